//! Names on the hub, checked so strictly that they can be parts of addresses and of paths.

use std::fmt;

/// `owner/name[@revision]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubName {
    owner: String,
    name: String,
    /// Branch, tag or commit; `main` where none is given.
    pub revision: String,
    given: bool,
}

/// A part of a path that stays where it is put.
pub(super) fn is_plain(part: &str) -> bool {
    let letters = part.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    letters && (1..=200).contains(&part.len()) && !part.starts_with(['.', '-']) && !part.contains("..")
}

impl HubName {
    /// Reads a name; `None` when it has another form.
    pub fn parse(text: &str) -> Option<HubName> {
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, Some(revision)),
            None => (text, None),
        };
        let (owner, name) = path.split_once('/')?;
        if !is_plain(owner) || !is_plain(name) || owner.contains("--") || name.contains("--") {
            return None;
        }
        if !revision.is_none_or(|revision| revision.len() <= 200 && revision.split('/').all(is_plain)) {
            return None;
        }
        Some(HubName {
            owner: owner.to_owned(),
            name: name.to_owned(),
            revision: revision.unwrap_or("main").to_owned(),
            given: revision.is_some(),
        })
    }

    /// `owner/name`.
    pub(super) fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The revision as part of an address.
    pub(super) fn revision_in_address(&self) -> String {
        self.revision.replace('/', "%2F")
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.owner, self.name)?;
        if self.given { write!(formatter, "@{}", self.revision) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::HubName;

    #[test]
    fn names_are_read_or_are_none() {
        for (text, revision) in [
            ("owner/name", "main"),
            ("owner/name@v1.0", "v1.0"),
            ("o-w.n_er/N.a-me@refs/pr/3", "refs/pr/3"),
            ("owner/name@0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"),
        ] {
            let name = HubName::parse(text).expect("a name");
            assert_eq!((name.revision.as_str(), name.to_string().as_str()), (revision, text));
        }
        for text in [
            "name",
            "",
            "/",
            "owner/",
            "/name",
            "a/b/c",
            "../name",
            "owner/..",
            "owner/.x",
            "own er/name",
            "owner/na+me",
            "owner/name@",
            "owner/name@../x",
            "owner/name@a//b",
            "owner/name@/x",
            "owner/na%2Fme",
            "owner/name?x",
            "a\\b/c",
            "a--b/c",
        ] {
            assert_eq!(HubName::parse(text), None, "{text}");
        }
    }
}
