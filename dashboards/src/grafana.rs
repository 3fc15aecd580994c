//! Dashboards in the JSON of Grafana 12.

use serde_json::{Value, json};

use crate::model::{Content, Dashboard, Panel, Query, Scale};

/// The schema version that Grafana 12 writes. Newer versions of Grafana migrate it.
const SCHEMA_VERSION: u32 = 41;
/// The columns of Grafana's grid.
const COLUMNS: u32 = 24;
/// The tag of every dashboard, by which the links between them are made.
pub(crate) const TAG: &str = "bidtrace";

/// The JSON of a dashboard. Its first field says what generated it.
pub(crate) fn json(dashboard: &Dashboard, generated: &str) -> Value {
    json!({
        "__generated": generated,
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": false,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": { "from": "now-15m", "to": "now" },
        "timepicker": {},
        "timezone": "browser",
        "templating": { "list": [] },
        "annotations": { "list": [firing_alerts()] },
        "links": [{
            "type": "dashboards",
            "title": "Dashboards",
            "tags": [TAG],
            "asDropdown": true,
            "includeVars": false,
            "keepTime": true,
            "targetBlank": false,
            "icon": "external link",
            "tooltip": "",
            "url": "",
        }],
        "panels": panels(dashboard),
    })
}

/// An annotation in every panel while an alert fires.
fn firing_alerts() -> Value {
    json!({
        "name": "Alerts",
        "datasource": prometheus(),
        "enable": true,
        "hide": false,
        "iconColor": "red",
        "expr": format!("{}{{alertstate=\"firing\"}}", alerts::backends::ALERTS),
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}} {{service}} {{slo}}",
        "step": "5s",
    })
}

fn panels(dashboard: &Dashboard) -> Vec<Value> {
    let mut panels = Vec::new();
    let mut top = 0;
    for row in &dashboard.rows {
        panels.push(json!({
            "id": panels.len() + 1,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "gridPos": { "x": 0, "y": top, "w": COLUMNS, "h": 1 },
            "panels": [],
        }));
        top += 1;
        let (mut left, mut height) = (0, 0);
        for panel in &row.panels {
            if left + panel.width > COLUMNS {
                top += height;
                (left, height) = (0, 0);
            }
            let mut value = panel_json(panel);
            value["id"] = json!(panels.len() + 1);
            value["gridPos"] =
                json!({ "x": left, "y": top, "w": panel.width, "h": panel.height() });
            panels.push(value);
            left += panel.width;
            height = height.max(panel.height());
        }
        top += height;
    }
    panels
}

fn panel_json(panel: &Panel) -> Value {
    let mut value = match &panel.content {
        Content::Lines {
            queries,
            exemplars,
            stacked,
        } => lines(panel, queries, *exemplars, *stacked),
        Content::Stat { query, scale } => stat(panel, query, scale),
        Content::Traces { service } => traces(service),
    };
    value["title"] = json!(panel.title);
    value["description"] = json!(panel.description);
    if let Some(link) = &panel.link {
        value["fieldConfig"]["defaults"]["links"] =
            json!([{ "title": link.title, "url": link.url, "targetBlank": false }]);
    }
    value
}

fn lines(panel: &Panel, queries: &[Query], exemplars: bool, stacked: bool) -> Value {
    json!({
        "type": "timeseries",
        "datasource": prometheus(),
        "targets": targets(queries, exemplars, false),
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit.grafana(),
                "min": 0,
                "color": { "mode": "palette-classic" },
                "custom": {
                    "drawStyle": "line",
                    "lineInterpolation": "linear",
                    "lineWidth": 1,
                    "fillOpacity": if stacked { 30 } else { 5 },
                    "showPoints": "never",
                    "spanNulls": false,
                    "stacking": { "group": "A", "mode": if stacked { "normal" } else { "none" } },
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": { "showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": [] },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
    })
}

fn stat(panel: &Panel, query: &Query, scale: &Scale) -> Value {
    let (thresholds, mappings) = scale_json(scale);
    json!({
        "type": "stat",
        "datasource": prometheus(),
        "targets": targets(std::slice::from_ref(query), false, true),
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit.grafana(),
                "color": { "mode": "thresholds" },
                "thresholds": { "mode": "absolute", "steps": thresholds },
                "mappings": mappings,
            },
            "overrides": [],
        },
        "options": {
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
        },
    })
}

fn scale_json(scale: &Scale) -> (Value, Value) {
    match scale {
        Scale::Neutral => (json!([{ "color": "text", "value": null }]), json!([])),
        Scale::LowIsBad(red, yellow) => (
            json!([
                { "color": "red", "value": null },
                { "color": "yellow", "value": red },
                { "color": "green", "value": yellow },
            ]),
            json!([]),
        ),
        Scale::HighIsBad(yellow, red) => (
            json!([
                { "color": "green", "value": null },
                { "color": "yellow", "value": yellow },
                { "color": "red", "value": red },
            ]),
            json!([]),
        ),
        Scale::Names(names) => {
            let options: serde_json::Map<String, Value> = names
                .iter()
                .enumerate()
                .map(|(value, (name, color))| {
                    let shown = json!({ "text": name, "color": color, "index": value });
                    (value.to_string(), shown)
                })
                .collect();
            (
                json!([{ "color": "text", "value": null }]),
                json!([{ "type": "value", "options": options }]),
            )
        }
    }
}

fn traces(service: &str) -> Value {
    let source = json!({ "type": "jaeger", "uid": "jaeger" });
    json!({
        "type": "table",
        "datasource": source,
        "targets": [{
            "refId": "A",
            "datasource": source,
            "queryType": "search",
            "service": service,
            "limit": 20,
        }],
        "fieldConfig": { "defaults": {}, "overrides": [] },
        "options": { "showHeader": true },
    })
}

fn targets(queries: &[Query], exemplars: bool, instant: bool) -> Vec<Value> {
    queries
        .iter()
        .zip('A'..='Z')
        .map(|(query, letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": prometheus(),
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend,
                "exemplar": exemplars,
                "instant": instant,
                "range": !instant,
            })
        })
        .collect()
}

fn prometheus() -> Value {
    json!({ "type": "prometheus", "uid": "prometheus" })
}
