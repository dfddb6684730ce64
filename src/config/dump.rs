//! Importances out of a JSON text: a model's dump, or columns with numbers.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Importances as a text has them, on its own scale, and what the text was.
pub(super) type Dump = (&'static str, BTreeMap<String, f64>);

const EXPECTED: &str = "expected a LightGBM dump (`booster.dump_model()`), an XGBoost dump \
    (`get_dump(dump_format=\"json\", with_stats=True)` or `save_model(\"model.json\")`), \
    { \"column\": number } or [[\"column\", number]]";

/// Reads a text; which of the forms it is, its own keys say.
///
/// # Errors
/// What is wrong with it, and what was expected.
pub(super) fn read(text: &str) -> Result<Dump, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| match error.to_string() {
        deep if deep.contains("recursion limit") => {
            "its trees are nested too deeply to be read; write { \"column\": number }".to_owned()
        }
        other => format!("it is no JSON: {other}"),
    })?;
    match &value {
        Value::Object(map) if map.contains_key("tree_info") => lightgbm(map),
        Value::Object(map) if map.contains_key("learner") => xgboost_model(map),
        Value::Object(map) => match map.get("feature_importances") {
            Some(Value::Object(inner)) => Ok(("feature_importances", flat(inner)?)),
            _ => Ok(("a table", flat(map)?)),
        },
        Value::Array(items) if items.first().is_some_and(Value::is_array) => pairs(items),
        Value::Array(items) if !items.is_empty() => xgboost_dump(items),
        _ => Err(EXPECTED.to_owned()),
    }
}

fn flat(map: &Map<String, Value>) -> Result<BTreeMap<String, f64>, String> {
    let number = |(column, value): (&String, &Value)| {
        let number = value.as_f64();
        let number =
            number.ok_or_else(|| format!("`{column}` is {}; {EXPECTED}", kind_of(value)))?;
        Ok((column.clone(), number))
    };
    map.iter().map(number).collect()
}

fn pairs(items: &[Value]) -> Result<Dump, String> {
    let mut found = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let pair = item.as_array().map(Vec::as_slice);
        let Some([Value::String(column), Value::Number(number)]) = pair else {
            return Err(format!("item {at} is no pair of a column and a number; {EXPECTED}"));
        };
        if found.insert(column.clone(), number.as_f64().unwrap_or(f64::NAN)).is_some() {
            return Err(format!("`{column}` is listed twice"));
        }
    }
    Ok(("a list", found))
}

/// LightGBM: the gain of every split, by the feature that it is on.
fn lightgbm(map: &Map<String, Value>) -> Result<Dump, String> {
    let names = names(map.get("feature_names"), "a LightGBM dump")?;
    let trees = map.get("tree_info").and_then(Value::as_array);
    let trees = trees.ok_or("a LightGBM dump has a list of trees in `tree_info`")?;
    let mut gains: BTreeMap<String, f64> = names.iter().map(|it| (it.clone(), 0.0)).collect();
    for (at, tree) in trees.iter().enumerate() {
        let mut open: Vec<&Value> = tree.get("tree_structure").into_iter().collect();
        while let Some(node) = open.pop() {
            let Some(feature) = node.get("split_feature") else { continue };
            let name = index(feature).and_then(|it| names.get(it));
            let name = name.ok_or_else(|| {
                format!(
                    "tree {at} splits on feature {feature}, of {} in `feature_names`",
                    names.len()
                )
            })?;
            let gain = node.get("split_gain").and_then(Value::as_f64);
            let gain = gain.ok_or_else(|| format!("a split of tree {at} has no `split_gain`"))?;
            *gains.entry(name.clone()).or_default() += gain;
            open.extend(["left_child", "right_child"].into_iter().filter_map(|it| node.get(it)));
        }
    }
    Ok(("LightGBM, gain", gains))
}

/// XGBoost's `get_dump`: a list of trees, or of the texts of trees.
fn xgboost_dump(items: &[Value]) -> Result<Dump, String> {
    let mut gains: BTreeMap<String, f64> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let tree = match item {
            Value::String(text) => serde_json::from_str(text)
                .map_err(|error| format!("tree {at} is no JSON: {error}; {EXPECTED}"))?,
            other => other.clone(),
        };
        if tree.get("nodeid").is_none() {
            return Err(format!("item {at} is no tree with a `nodeid`; {EXPECTED}"));
        }
        let mut open = vec![&tree];
        while let Some(node) = open.pop() {
            let Some(name) = node.get("split").and_then(Value::as_str) else { continue };
            let gain = node.get("gain").and_then(Value::as_f64);
            let gain = gain.ok_or_else(|| {
                format!("a split of tree {at} has no `gain`: dump with `with_stats=True`")
            })?;
            *gains.entry(name.to_owned()).or_default() += gain;
            open.extend(node.get("children").and_then(Value::as_array).into_iter().flatten());
        }
    }
    Ok(("XGBoost, total gain", gains))
}

/// XGBoost's `save_model`.
fn xgboost_model(map: &Map<String, Value>) -> Result<Dump, String> {
    let learner = &map["learner"];
    let booster = &learner["gradient_booster"];
    let model = [&booster["model"], &booster["gbtree"]["model"]];
    let trees = model.iter().find_map(|it| it.get("trees")?.as_array());
    let trees = trees.ok_or_else(|| {
        let name = booster["name"].as_str().unwrap_or("none");
        format!("the XGBoost model has no trees (its booster is `{name}`); {EXPECTED}")
    })?;
    let names = match learner.get("feature_names").and_then(Value::as_array) {
        Some(list) if !list.is_empty() => names(learner.get("feature_names"), "an XGBoost model")?,
        // Without names they are called f0, f1, … in its own dumps too.
        _ => Vec::new(),
    };
    let mut gains: BTreeMap<String, f64> = names.iter().map(|it| (it.clone(), 0.0)).collect();
    for (at, tree) in trees.iter().enumerate() {
        let list = |key: &str| {
            let list = tree.get(key).and_then(Value::as_array);
            list.ok_or_else(|| format!("tree {at} of the XGBoost model has no list `{key}`"))
        };
        let splits = list("split_indices")?.iter().zip(list("loss_changes")?);
        for ((split, gain), left) in splits.zip(list("left_children")?) {
            // A leaf.
            if left.as_i64() == Some(-1) {
                continue;
            }
            let (Some(split), Some(gain)) = (index(split), gain.as_f64()) else {
                return Err(format!("tree {at} of the XGBoost model can't be read"));
            };
            let name = names.get(split).cloned().unwrap_or_else(|| format!("f{split}"));
            *gains.entry(name).or_default() += gain;
        }
    }
    Ok(("XGBoost, total gain", gains))
}

fn names(list: Option<&Value>, what: &str) -> Result<Vec<String>, String> {
    let names = list.and_then(Value::as_array).into_iter().flatten();
    let names: Option<Vec<String>> = names.map(|it| it.as_str().map(str::to_owned)).collect();
    let names = names.filter(|it| !it.is_empty());
    names.ok_or_else(|| format!("{what} names its columns in `feature_names`; there are none"))
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! data {
        ($name:literal) => {
            include_str!(concat!("../../tests/data/importances/", $name))
        };
    }

    /// What the libraries themselves say of the same models.
    #[track_caller]
    fn check_dump(text: &str, library: &str, what: &str) {
        let expected: BTreeMap<String, BTreeMap<String, f64>> =
            serde_json::from_str(data!("expected.json")).unwrap();
        let (found, gains) = read(text).unwrap();
        assert_eq!(found, what);
        for (column, gain) in &gains {
            let want = expected[library].get(column).copied().unwrap_or(0.0);
            // XGBoost adds single precision.
            assert!((gain - want).abs() <= want * 1e-6, "{column}: {gain}, not {want}");
        }
        assert!(expected[library].keys().all(|column| gains.contains_key(column)));
    }

    #[track_caller]
    fn check_error(text: &str, told: &str) {
        let error = read(text).unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }

    #[test]
    fn gains_are_those_of_the_libraries() {
        check_dump(data!("lightgbm.json"), "lightgbm", "LightGBM, gain");
        check_dump(data!("xgboost-dump.json"), "xgboost", "XGBoost, total gain");
        check_dump(data!("xgboost-get-dump.json"), "xgboost", "XGBoost, total gain");
        check_dump(data!("xgboost-model.json"), "xgboost", "XGBoost, total gain");
    }

    #[test]
    fn columns_with_numbers_are_taken_as_they_are() {
        let want: BTreeMap<String, f64> = [("a".to_owned(), 2.0), ("b".to_owned(), 0.5)].into();
        for text in [
            r#"{"a": 2, "b": 0.5}"#,
            r#"[["a", 2], ["b", 0.5]]"#,
            r#"{"name": "m", "feature_importances": {"a": 2, "b": 0.5}}"#,
        ] {
            assert_eq!(read(text).unwrap().1, want, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told() {
        check_error("tree\nversion=v4\n", "it is no JSON: expected ident at line 1");
        check_error("[]", "expected a LightGBM dump");
        check_error("3", "expected a LightGBM dump");
        check_error(r#"{"a": "b"}"#, "`a` is a text; expected a LightGBM dump");
        check_error(r#"[["a", 1], ["b"]]"#, "item 1 is no pair of a column and a number");
        check_error(r#"[["a", 1], ["a", 2]]"#, "`a` is listed twice");
        check_error(r#"["booster[0]"]"#, "tree 0 is no JSON");
        check_error(r#"[{"a": 1}]"#, "item 0 is no tree with a `nodeid`");
        check_error(data!("xgboost-no-stats.json"), "a split of tree 0 has no `gain`: dump with");
        check_error(r#"{"tree_info": []}"#, "a LightGBM dump names its columns");
        let beyond = r#"{"feature_names": ["a"], "tree_info": [{"tree_structure":
            {"split_feature": 1, "split_gain": 2.0}}]}"#;
        check_error(beyond, "tree 0 splits on feature 1, of 1 in `feature_names`");
        let linear = r#"{"learner": {"gradient_booster": {"name": "gblinear", "model": {}}}}"#;
        check_error(linear, "the XGBoost model has no trees (its booster is `gblinear`)");
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        check_error(&deep, "its trees are nested too deeply");
    }
}
