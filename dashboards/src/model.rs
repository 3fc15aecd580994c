//! Dashboards as values: rows, panels and queries.

/// A dashboard.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard {
    /// Its id in Grafana's addresses. It must not change.
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
    /// What it shows.
    pub(crate) description: String,
    pub(crate) content: Content,
    pub(crate) unit: Unit,
    /// In columns, of which there are 24.
    pub(crate) width: u32,
    pub(crate) link: Option<Link>,
}

/// What a panel shows.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Lines over time.
    Lines {
        queries: Vec<Query>,
        /// Whether exemplars are shown, which link to traces.
        exemplars: bool,
        stacked: bool,
    },
    /// The current value, as a number.
    Stat { query: Query, scale: Scale },
    /// The latest traces of a service.
    Traces { service: &'static str },
}

/// A PromQL expression and the legend of its series.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) expr: String,
    /// A template of Grafana, such as `{{http_route}}`.
    pub(crate) legend: String,
}

/// The colour of a value, and its name.
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

/// The unit of a panel's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Share,
    Seconds,
    Bytes,
    Count,
}

/// A link that a value has.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) title: &'static str,
    pub(crate) url: String,
}

/// Width of a panel with one number, in columns.
const STAT_WIDTH: u32 = 4;

// === impl Panel ===

impl Panel {
    /// A panel with lines, a third of the dashboard wide.
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

    /// A panel with durations: lines with exemplars.
    pub(crate) fn latency(title: impl Into<String>, queries: Vec<Query>) -> Self {
        let mut panel = Self::lines(title, Unit::Seconds, queries);
        if let Content::Lines { exemplars, .. } = &mut panel.content {
            *exemplars = true;
        }
        panel
    }

    /// A panel with stacked areas.
    pub(crate) fn stacked(title: impl Into<String>, unit: Unit, queries: Vec<Query>) -> Self {
        let mut panel = Self::lines(title, unit, queries);
        if let Content::Lines { stacked, .. } = &mut panel.content {
            *stacked = true;
        }
        panel
    }

    /// A panel with one number.
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

    /// A panel with the latest traces of a service, as wide as the dashboard.
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

    /// Its queries to Prometheus; a list of traces has none.
    pub(crate) fn queries(&self) -> &[Query] {
        match &self.content {
            Content::Lines { queries, .. } => queries,
            Content::Stat { query, .. } => std::slice::from_ref(query),
            Content::Traces { .. } => &[],
        }
    }

    /// Its height, in rows of Grafana's grid.
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
    /// Its id in Grafana.
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
