//! What a dashboard is made of, before it is JSON.

/// A dashboard.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard {
    /// In its address; never changes.
    pub(crate) uid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) rows: Vec<Row>,
}

/// Panels under one heading.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What to read from it.
    pub(crate) description: String,
    pub(crate) content: Content,
    pub(crate) unit: Unit,
    /// Of 24 columns.
    pub(crate) width: u32,
    pub(crate) link: Option<Link>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Lines over time.
    Lines {
        queries: Vec<Query>,
        /// Whether the points of single requests are shown, which open their traces.
        exemplars: bool,
        stacked: bool,
    },
    /// The current value, large.
    Stat { query: Query, scale: Scale },
    /// The latest traces of a service.
    Traces { service: &'static str },
}

/// An expression and how its series are called.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) expr: String,
    /// Grafana's template: `{{http_route}}`.
    pub(crate) legend: String,
}

/// When a value is bad, and what it is called.
#[derive(Debug, Clone)]
pub(crate) enum Scale {
    Neutral,
    /// Red below the first, yellow below the second, else green.
    LowIsBad(f64, f64),
    /// Green below the first, yellow below the second, else red.
    HighIsBad(f64, f64),
    /// Names and colours for the values 0, 1, 2 and so on.
    Names(&'static [(&'static str, &'static str)]),
}

/// Grafana's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Share,
    Seconds,
    Bytes,
    Count,
}

/// Where a click on a value leads.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) title: &'static str,
    pub(crate) url: String,
}

/// How high a row of panels is, of Grafana's grid.
const STAT_WIDTH: u32 = 4;

// === impl Panel ===

impl Panel {
    /// Lines, a third of the dashboard wide.
    pub(crate) fn lines(title: impl Into<String>, unit: Unit, queries: Vec<Query>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            content: Content::Lines {
                queries,
                exemplars: false,
                stacked: false,
            },
            unit,
            width: 8,
            link: None,
        }
    }

    /// Latencies: lines with exemplars.
    pub(crate) fn latency(title: impl Into<String>, queries: Vec<Query>) -> Self {
        let mut panel = Self::lines(title, Unit::Seconds, queries);
        if let Content::Lines { exemplars, .. } = &mut panel.content {
            *exemplars = true;
        }
        panel
    }

    /// Areas on top of each other.
    pub(crate) fn stacked(title: impl Into<String>, unit: Unit, queries: Vec<Query>) -> Self {
        let mut panel = Self::lines(title, unit, queries);
        if let Content::Lines { stacked, .. } = &mut panel.content {
            *stacked = true;
        }
        panel
    }

    /// One number.
    pub(crate) fn stat(title: impl Into<String>, unit: Unit, scale: Scale, query: Query) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            content: Content::Stat { query, scale },
            unit,
            width: STAT_WIDTH,
            link: None,
        }
    }

    /// The latest traces of a service, as wide as the dashboard.
    pub(crate) fn traces(service: &'static str) -> Self {
        Self {
            title: "Latest traces".to_owned(),
            description: "Click a trace to read it.".to_owned(),
            content: Content::Traces { service },
            unit: Unit::Count,
            width: 24,
            link: None,
        }
    }

    pub(crate) fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    pub(crate) fn wide(mut self, width: u32) -> Self {
        self.width = width;
        self
    }

    pub(crate) fn link(mut self, title: &'static str, url: impl Into<String>) -> Self {
        self.link = Some(Link {
            title,
            url: url.into(),
        });
        self
    }

    /// The queries that Prometheus answers.
    pub(crate) fn queries(&self) -> &[Query] {
        match &self.content {
            Content::Lines { queries, .. } => queries,
            Content::Stat { query, .. } => std::slice::from_ref(query),
            Content::Traces { .. } => &[],
        }
    }

    /// Rows of Grafana's grid.
    pub(crate) fn height(&self) -> u32 {
        match self.content {
            Content::Lines { .. } => 8,
            Content::Stat { .. } => 4,
            Content::Traces { .. } => 10,
        }
    }
}

// === impl Query ===

impl Query {
    pub(crate) fn new(expr: impl Into<String>, legend: impl Into<String>) -> Self {
        Self {
            expr: expr.into(),
            legend: legend.into(),
        }
    }
}

// === impl Unit ===

impl Unit {
    pub(crate) fn grafana(self) -> &'static str {
        match self {
            Self::PerSecond => "cps",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Count => "short",
        }
    }
}
