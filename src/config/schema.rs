//! The JSON Schema of the whole file, for editors: `driftd schema`.
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{file, read_reference::SeasonTable};
use crate::{
    notify::AnyReceiver,
    retrain::AnyTarget,
    source::AnySource,
    stat::detector::AnyDetector,
    time::{Span, WindowSize},
};

/// The JSON Schema (draft 2020-12) of the config file, every kind of component included.
pub fn schema() -> Value {
    let mut make = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let sources = one_of_kinds(AnySource::schemas(&mut make), &mut make, &json!({}));
    make.definitions_mut().insert("AnySource".to_owned(), sources);
    let source = json!({
        "description": "The name of a source, or its options.",
        "oneOf": [{ "type": "string" }, { "$ref": "#/$defs/AnySource" }]
    });
    let receivers = one_of_kinds(AnyReceiver::schemas(&mut make), &mut make, &json!({}));
    let own = inline::<file::Retraining>(&mut make);
    let targets = one_of_kinds(AnyTarget::schemas(&mut make), &mut make, &own["properties"]);

    let mut predictions = inline::<file::Predictions>(&mut make);
    add(&mut predictions, "source", source.clone(), true);
    let mut labels = inline::<file::Labels>(&mut make);
    add(&mut labels, "source", source.clone(), false);
    let mut reference = inline::<file::Reference>(&mut make);
    add(&mut reference, "source", source, false);
    add(&mut reference, "season", inline::<SeasonTable>(&mut make), false);
    let mut model = inline::<file::Model>(&mut make);
    add(&mut model, "predictions", predictions, true);
    add(&mut model, "labels", labels, false);
    add(&mut model, "reference", reference, true);
    let importances = json!({
        "description": "How much each column weighs in the model, on any scale; or the `file` that \
            holds it: a LightGBM or XGBoost dump, or JSON of columns with numbers.",
        "type": "object",
        "properties": { "file": { "type": ["string", "number"] } },
        "additionalProperties": { "type": "number", "minimum": 0 }
    });
    add(&mut model, "importances", importances, false);
    let mut metrics = inline::<file::Metrics>(&mut make);
    let custom = inline::<file::Custom>(&mut make);
    add(&mut metrics, "custom", json!({ "type": "object", "additionalProperties": custom }), false);
    add(&mut model, "metrics", metrics, false);
    let mut rule = inline::<file::Rule>(&mut make);
    let detectors = one_of_kinds(AnyDetector::schemas(&mut make), &mut make, &json!({}));
    make.definitions_mut().insert("AnyDetector".to_owned(), detectors);
    let detector = json!({
        "description": "A change detector instead of a threshold: its name, or its options.",
        "oneOf": [{ "enum": AnyDetector::KINDS }, { "$ref": "#/$defs/AnyDetector" }]
    });
    add(&mut rule, "detector", detector, false);
    add(&mut rule, "threshold", inline::<file::Threshold>(&mut make), false);
    add(&mut model, "rules", json!({ "type": "array", "items": rule }), false);

    let mut root = inline::<file::Root>(&mut make);
    add(&mut root, "store", inline::<file::Store>(&mut make), false);
    add(&mut root, "server", inline::<file::Server>(&mut make), false);
    add(&mut root, "log", inline::<file::Log>(&mut make), false);
    let by_name = |of: Value| json!({ "type": "object", "additionalProperties": of });
    add(&mut root, "sources", by_name(json!({ "$ref": "#/$defs/AnySource" })), false);
    add(&mut root, "models", by_name(model), true);
    add(&mut root, "receivers", by_name(receivers), false);
    add(&mut root, "retraining", by_name(targets), false);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["description"] = json!("The configuration of driftd.");
    root["title"] = json!("driftd.toml");
    root["$defs"] = Value::Object(make.take_definitions(true));
    root
}

fn inline<T: JsonSchema>(make: &mut SchemaGenerator) -> Value {
    T::json_schema(make).to_value()
}

fn add(object: &mut Value, key: &str, property: Value, required: bool) {
    object["properties"][key] = property;
    if required {
        match object["required"].as_array_mut() {
            Some(keys) => keys.push(json!(key)),
            None => object["required"] = json!([key]),
        }
    }
}

/// One of the registry's kinds, each with its `type` and the keys that all of them share.
fn one_of_kinds(
    kinds: Vec<(&'static str, Schema)>,
    make: &mut SchemaGenerator,
    shared: &Value,
) -> Value {
    let kinds = kinds.into_iter().map(|(kind, schema)| {
        let schema = schema.to_value();
        // The options stand in the same table as `type`, so they can't stay behind a reference.
        let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let mut options = name.and_then(|it| make.definitions().get(it)).cloned().unwrap_or(schema);
        for (key, property) in shared.as_object().into_iter().flatten() {
            add(&mut options, key, property.clone(), false);
        }
        add(&mut options, "type", json!({ "const": kind }), true);
        options
    });
    json!({ "oneOf": kinds.collect::<Vec<_>>() })
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "examples": ["90s", "30m", "12h", "7d", "2w"] })
    }
}

impl JsonSchema for WindowSize {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "WindowSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "examples": ["5m", "1h", "6h", "1d", "1w", "1mo"]
        })
    }
}
