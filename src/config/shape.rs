//! What an option struct takes, read off its JSON Schema: keys, which are needed, which are secret.
use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::mask;

/// How deep schemas and values are followed; both are trees far shallower than this.
const DEPTH_MAX: usize = 32;

/// The keys of one option struct.
#[derive(Debug)]
pub(super) struct Shape {
    root: Value,
}

/// How a secret is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// As text (or as something that should have been one).
    Plainly,
    /// As a local process's output.
    ByCommand,
    /// In a way that no secret is written: told as another mistake, and not to be shown.
    Astray,
}

impl Shape {
    /// The shape of `T`.
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self { root: schemars::schema_for!(T).to_value() }
    }

    fn properties(&self) -> Option<&Map<String, Value>> {
        self.root.get("properties")?.as_object()
    }

    /// Every key.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.properties().into_iter().flat_map(|it| it.keys()).map(String::as_str)
    }

    /// The keys that must be there.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        let required = self.root.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str)
    }

    /// What a key is for, on one line: the first paragraph of its documentation, and examples.
    pub(super) fn help(&self, key: &str) -> Option<String> {
        let schema = self.properties()?.get(key)?;
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let first = text.split("\n\n").next().unwrap_or(text);
        let about = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let like = schema.get("examples").and_then(|it| it.get(1));
        let like = like.map(|it| format!("write {key} = {it}: ")).unwrap_or(format!("`{key}`: "));
        (!about.is_empty()).then(|| like + &about)
    }

    /// Whether a key holds a secret.
    pub(super) fn is_secret(&self, key: &str) -> bool {
        let schema = self.properties().and_then(|it| it.get(key));
        let schema = schema.filter(|it| it.get("x-plain").is_none());
        schema.is_some_and(|it| it.to_string().contains("/Secret\""))
    }

    /// Whether any key holds a secret.
    pub(super) fn has_secrets(&self) -> bool {
        self.keys().any(|key| self.is_secret(key))
    }

    /// Where `table` holds secrets that deserve a word, at any depth.
    pub(super) fn secrets(&self, table: &DeTable<'_>) -> Vec<(Range<usize>, Written)> {
        let mut found = BTreeMap::new();
        for (key, value) in table {
            if let Some(schema) = self.properties().and_then(|it| it.get(key.get_ref().as_ref())) {
                self.seek_secrets(schema, value, DEPTH_MAX, &mut found);
                if self.is_secret(key.get_ref()) {
                    note_astray(value, &mut found);
                }
            }
        }
        found.into_iter().map(|((start, end), written)| (start..end, written)).collect()
    }

    fn seek_secrets(
        &self,
        schema: &Value,
        value: &Spanned<DeValue<'_>>,
        depth: usize,
        found: &mut BTreeMap<(usize, usize), Written>,
    ) {
        // A key may say that a text is fine there: an address that seldom carries a token.
        if depth == 0 || schema.get("x-plain").is_some() {
            return;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if reference.ends_with("/Secret") {
                let span = (value.span().start, value.span().end);
                match value.get_ref() {
                    DeValue::Table(it) if it.contains_key("command") => {
                        found.insert(span, Written::ByCommand);
                    }
                    DeValue::Table(_) => note_astray(value, found),
                    _ => {
                        found.insert(span, Written::Plainly);
                    }
                }
            } else if let Some(to) =
                reference.strip_prefix('#').and_then(|it| self.root.pointer(it))
            {
                self.seek_secrets(to, value, depth - 1, found);
            }
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            for schema in schema.get(choice).and_then(Value::as_array).into_iter().flatten() {
                self.seek_secrets(schema, value, depth - 1, found);
            }
        }
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let named =
                        schema.get("properties").and_then(|it| it.get(key.get_ref().as_ref()));
                    if let Some(schema) = named.or_else(|| schema.get("additionalProperties")) {
                        self.seek_secrets(schema, value, depth - 1, found);
                    }
                }
            }
            DeValue::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for item in items.iter() {
                        self.seek_secrets(schema, item, depth - 1, found);
                    }
                }
            }
            _ => {}
        }
    }
}

fn note_astray(value: &Spanned<DeValue<'_>>, found: &mut BTreeMap<(usize, usize), Written>) {
    for span in mask::literals(value) {
        found.entry((span.start, span.end)).or_insert(Written::Astray);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Secret;

    /// Options as a receiver has them.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// Where to post.
        /// Over two lines.
        ///
        /// And more.
        url: String,
        #[schemars(extend("x-plain" = true))]
        hook: Secret,
        password: Option<Secret>,
        headers: BTreeMap<String, Secret>,
        nested: Nested,
        /// How long.
        wait: Option<crate::time::Span>,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Nested {
        tokens: Vec<Secret>,
    }

    #[test]
    fn keys_needs_and_docs_come_from_the_struct() {
        let shape = Shape::of::<Sample>();
        let keys: Vec<&str> = shape.keys().collect();
        assert_eq!(keys, ["headers", "hook", "nested", "password", "url", "wait"]);
        let required: Vec<&str> = shape.required().collect();
        assert_eq!(required, ["url", "hook", "headers", "nested"]);
        assert_eq!(shape.help("url").unwrap(), "`url`: Where to post. Over two lines.");
        assert_eq!(shape.help("wait").unwrap(), "write wait = \"30m\": How long.");
        assert_eq!(shape.help("nested"), None);
        assert!(shape.is_secret("password") && !shape.is_secret("url"));
    }

    #[test]
    fn secrets_are_found_wherever_they_are() {
        let text = "url = 'u'\nhook = 'fine'\npassword = 'a'\n\
                    headers = { x = 'b', y = { env = 'E' } }\n\
                    [nested]\ntokens = ['c', { command = ['p'] }]\n";
        let table = DeTable::parse(text).unwrap();
        let found = Shape::of::<Sample>().secrets(table.get_ref());
        let found: Vec<_> = found.into_iter().map(|(span, how)| (&text[span], how)).collect();
        assert_eq!(
            found,
            [
                ("'a'", Written::Plainly),
                ("'b'", Written::Plainly),
                ("'c'", Written::Plainly),
                ("{ command = ['p'] }", Written::ByCommand),
            ]
        );
    }
}
