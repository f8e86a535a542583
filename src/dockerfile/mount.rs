//! The value of `RUN --mount`: what is mounted where.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/instructions/commands_runmount.go, commands_rundevice.go, and
//! tonistiigi/go-csvvalue. Requirements on the target path belong to lowering (dockerfile2llb/convert_runmount.go).

use super::distance;
use super::error::Refusal;

/// One mount after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// `type`.
    pub kind: MountKind,
    /// `from`: stage or image; empty for the context (bind) or nothing (cache).
    pub from: String,
    /// `source` as written, expanded.
    pub source: String,
    /// `target` as written, expanded.
    pub target: String,
    /// Whether the RUN cannot write to it, defaults applied.
    pub read_only: bool,
    /// `id`.
    pub id: String,
    /// `sharing` of a cache mount, if given.
    pub sharing: Option<Sharing>,
    /// `required`, secrets and SSH sockets only.
    pub required: bool,
    /// `size` of a tmpfs in bytes; 0 when not given.
    pub size: u64,
    /// `env` of a secret: the variable that holds it; empty for the default name.
    pub env: Option<String>,
    /// `mode`.
    pub mode: Option<u32>,
    /// `uid`.
    pub uid: Option<u32>,
    /// `gid`.
    pub gid: Option<u32>,
}

/// What kind of thing is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountKind {
    /// Files of the context, a stage or an image.
    Bind,
    /// A directory that the builder keeps between builds.
    Cache,
    /// A directory in memory.
    Tmpfs,
    /// A secret file or variable.
    Secret,
    /// An SSH agent's socket.
    Ssh,
}

impl MountKind {
    const ALL: [Self; 5] = [
        Self::Bind,
        Self::Cache,
        Self::Tmpfs,
        Self::Secret,
        Self::Ssh,
    ];

    /// The word in `type=…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// Several builds at once.
    Shared,
    /// Each build its own copy.
    Private,
    /// One build after the other.
    Locked,
}

impl Sharing {
    const ALL: [Self; 3] = [Self::Shared, Self::Private, Self::Locked];

    /// The word in `sharing=…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Private => "private",
            Self::Locked => "locked",
        }
    }
}

/// The keys, for suggestions.
const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "env",
];

impl Mount {
    /// Reads a `--mount` value; `expand` puts variables into the values (BuildKit expands the value of every key that
    /// has one, and no key). A number or a switch in which it leaves a variable, as nobody knows its value, counts as
    /// not given.
    pub fn parse(
        value: &str,
        expand: &dyn Fn(&str) -> Result<String, Refusal>,
    ) -> Result<Self, Refusal> {
        let mut mount = Self {
            kind: MountKind::Bind,
            from: String::new(),
            source: String::new(),
            target: String::new(),
            read_only: true,
            id: String::new(),
            sharing: None,
            required: false,
            size: 0,
            env: None,
            mode: None,
            uid: None,
            gid: None,
        };
        let mut access = None;
        for field in fields(value)? {
            let (key, value) = field
                .split_once('=')
                .map_or((field.as_str(), None), |(k, v)| (k, Some(v)));
            let key = key.to_lowercase();
            match value {
                None => mount.switch(&key, &field, &mut access)?,
                Some(value) => mount.set(&key, expand(value)?, &field, &mut access)?,
            }
        }
        mount.read_only =
            access.unwrap_or(!matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs));
        mount.check()?;
        Ok(mount)
    }

    /// The `from` of a `--mount` value, empty where it has none: the one option that is read before variables are known
    /// (BuildKit's `parseMount` without an expander).
    pub fn from(value: &str) -> Result<String, Refusal> {
        let mut from = String::new();
        for field in fields(value)? {
            let given = field.split_once('=');
            if let Some((_, value)) = given.filter(|(key, _)| key.eq_ignore_ascii_case("from")) {
                from = value.to_owned();
            }
        }
        Ok(from)
    }

    /// A key without a value.
    fn switch(&mut self, key: &str, field: &str, access: &mut Option<bool>) -> Result<(), Refusal> {
        match key {
            "readonly" | "ro" => *access = Some(true),
            "readwrite" | "rw" => *access = Some(false),
            "required" => {
                self.allow(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.required = true;
            }
            _ => {
                return Err(Refusal::new(format!(
                    "the mount option `{field}` must be key=value"
                )));
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        key: &str,
        value: String,
        field: &str,
        access: &mut Option<bool>,
    ) -> Result<(), Refusal> {
        let invalid = || {
            Refusal::new(format!(
                "invalid value `{value}` for the mount option {key}"
            ))
        };
        let is_open = value.contains('$');
        match key {
            "readonly" | "ro" | "readwrite" | "rw" | "sharing" | "mode" | "uid" | "gid"
                if is_open => {}
            "type" => self.kind = kind(&value)?,
            "from" => self.from = value,
            "source" | "src" => self.source = value,
            "target" | "dst" | "destination" => self.target = value,
            "readonly" | "ro" => *access = Some(boolean(&value).ok_or_else(invalid)?),
            "readwrite" | "rw" => *access = Some(!boolean(&value).ok_or_else(invalid)?),
            "required" => {
                self.allow(key, &[MountKind::Secret, MountKind::Ssh])?;
                self.required = !is_open && boolean(&value).ok_or_else(invalid)?;
            }
            "size" => {
                self.allow(key, &[MountKind::Tmpfs])?;
                self.size = if is_open {
                    0
                } else {
                    bytes(&value).ok_or_else(invalid)?
                };
            }
            "id" => self.id = value,
            "sharing" => {
                let known = |s: &Sharing| s.as_str() == value.to_lowercase();
                self.sharing = Some(Sharing::ALL.into_iter().find(known).ok_or_else(|| {
                    unsupported("sharing mode", &value, &Sharing::ALL.map(Sharing::as_str))
                })?);
            }
            "mode" => self.mode = Some(number(&value, 8).ok_or_else(invalid)?),
            "uid" => self.uid = Some(number(&value, 10).ok_or_else(invalid)?),
            "gid" => self.gid = Some(number(&value, 10).ok_or_else(invalid)?),
            "env" => self.env = Some(value),
            _ => {
                let near = distance::nearest(key, KEYS.into_iter())
                    .map_or(String::new(), |near| format!(", did you mean {near}?"));
                return Err(Refusal::new(format!(
                    "unexpected mount option `{key}` in `{field}`{near}"
                )));
            }
        }
        Ok(())
    }

    fn allow(&self, key: &str, kinds: &[MountKind]) -> Result<(), Refusal> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        Err(Refusal::new(format!(
            "a mount of type {} takes no option {key} (type must stand before it)",
            self.kind.as_str()
        )))
    }

    /// What must hold between options.
    fn check(&self) -> Result<(), Refusal> {
        let refuse = |message: String| Err(Refusal::new(message));
        let kind = self.kind.as_str();
        if matches!(self.kind, MountKind::Bind | MountKind::Tmpfs) {
            for (key, value) in [("mode", self.mode), ("uid", self.uid), ("gid", self.gid)] {
                if value.is_some() {
                    return refuse(format!("a mount of type {kind} takes no option {key}"));
                }
            }
        }
        if self.kind == MountKind::Secret {
            if !self.from.is_empty() {
                return refuse("a secret mount takes no option from".to_owned());
            }
            if self.source.is_empty() && self.target.is_empty() && self.id.is_empty() {
                return refuse("a secret mount needs an id, a source or a target".to_owned());
            }
            if !self.source.is_empty() && !self.id.is_empty() {
                return refuse("a secret mount takes source or id, not both".to_owned());
            }
        }
        if self.sharing.is_some() && self.kind != MountKind::Cache {
            return refuse(format!("a mount of type {kind} takes no option sharing"));
        }
        Ok(())
    }
}

fn kind(value: &str) -> Result<MountKind, Refusal> {
    let lower = value.to_lowercase();
    let known = MountKind::ALL.into_iter().find(|k| k.as_str() == lower);
    known.ok_or_else(|| unsupported("mount type", value, &MountKind::ALL.map(MountKind::as_str)))
}

fn unsupported(what: &str, value: &str, known: &[&str]) -> Refusal {
    Refusal::new(format!(
        "unsupported {what} \"{value}\", the known ones are {}",
        known.join(", ")
    ))
}

/// Go's `strconv.ParseBool`.
fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn number(value: &str, radix: u32) -> Option<u32> {
    (!value.starts_with('+'))
        .then(|| u32::from_str_radix(value, radix).ok())
        .flatten()
}

/// A size such as `64m` or `1.5GiB` (units of 1024, as docker/go-units has it; exponents are not read).
fn bytes(value: &str) -> Option<u64> {
    let at = value.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let (number, unit) = match value[at..].strip_prefix(' ') {
        Some(unit) => (&value[..at], unit),
        None => value.split_at(at + 1),
    };
    let unit = unit.to_lowercase();
    let power = match unit
        .strip_suffix("ib")
        .or(unit.strip_suffix('b'))
        .unwrap_or(&unit)
    {
        "" if unit != "ib" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let scale = 1024_u128.pow(power);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = &fraction[..fraction.len().min(18)];
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()) && s.len() <= 19;
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |s: &str| {
        if s.is_empty() {
            Some(0)
        } else {
            s.parse::<u128>().ok()
        }
    };
    let total = part(whole)? * scale
        + part(fraction)? * scale / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    u64::try_from(total)
        .ok()
        .filter(|&n| i64::try_from(n).is_ok())
}

/// The checks of a mount that BuildKit makes before variables are known.
pub(super) fn check(value: &str) -> Result<(), Refusal> {
    for field in fields(value)? {
        let Some((key, value)) = field.split_once('=') else {
            continue;
        };
        if key.eq_ignore_ascii_case("from")
            && value.find('$').is_some_and(|at| at + 1 != value.len())
        {
            return Err(Refusal::new(
                "the mount option from takes no variables: name a stage `FROM … AS name` and use that name",
            ));
        }
    }
    Ok(())
}

/// The checks of a `--device` value.
pub(super) fn check_device(value: &str) -> Result<(), Refusal> {
    let mut named = false;
    for field in fields(value)? {
        let (key, value) = field
            .split_once('=')
            .map_or((field.as_str(), None), |(k, v)| (k, Some(v)));
        match (key.to_lowercase().as_str(), value) {
            ("required", None) => {}
            ("required", Some(value)) if boolean(value).is_some() => {}
            ("required", Some(value)) => {
                return Err(Refusal::new(format!(
                    "invalid value `{value}` for the device option required"
                )));
            }
            ("name", Some(_)) if named => {
                return Err(Refusal::new("the device's name is given twice"));
            }
            ("name", Some(value)) => named = !value.is_empty(),
            _ if !named => named = !field.is_empty(),
            (_, None) => {
                return Err(Refusal::new(format!(
                    "the device option `{field}` must be key=value"
                )));
            }
            (key, Some(_)) => {
                return Err(Refusal::new(format!("unexpected device option `{key}`")));
            }
        }
    }
    Ok(())
}

/// The comma-separated fields of a value, quotes taken off.
fn fields(value: &str) -> Result<Vec<String>, Refusal> {
    let malformed = || Refusal::new(format!("the quotes in `{value}` do not match"));
    if value.is_empty() {
        return Err(Refusal::new("the option's value is empty"));
    }
    let mut found = Vec::new();
    let mut rest = value;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, after) = rest
                .split_once(',')
                .map_or((rest, None), |(f, a)| (f, Some(a)));
            if field.contains('"') {
                return Err(malformed());
            }
            found.push(field.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(found),
            }
            continue;
        };
        let mut field = String::new();
        let mut inside = quoted;
        let after = loop {
            let (text, after) = inside.split_once('"').ok_or_else(malformed)?;
            field.push_str(text);
            match after.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    inside = more;
                }
                None => break after,
            }
        };
        found.push(field);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(found),
            None => return Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Mount, Refusal> {
        Mount::parse(value, &|v| Ok(v.replace("$D", "/dir")))
    }

    #[test]
    fn mounts_are_read() {
        let mount = parse("type=cache,target=$D,id=x,sharing=LOCKED,uid=1000,mode=0755").unwrap();
        assert_eq!(
            (mount.kind, mount.target.as_str(), mount.id.as_str()),
            (MountKind::Cache, "/dir", "x")
        );
        assert_eq!(
            (mount.sharing, mount.uid, mount.mode, mount.read_only),
            (Some(Sharing::Locked), Some(1000), Some(0o755), false)
        );
        let mount = parse("source=a,\"dst=/x,y\",rw").unwrap();
        assert_eq!(
            (
                mount.kind,
                mount.source.as_str(),
                mount.target.as_str(),
                mount.read_only
            ),
            (MountKind::Bind, "a", "/x,y", false)
        );
        assert!(parse("type=bind,target=/x").unwrap().read_only);
        assert_eq!(parse("type=tmpfs,target=/x,size=1.5k").unwrap().size, 1536);
        assert!(parse("type=secret,id=a,required").unwrap().required);
    }

    #[test]
    fn bad_mounts_are_refused() {
        for (value, part) in [
            ("type=foo,target=/x", "unsupported mount type \"foo\""),
            ("type=bind,targte=/x", "did you mean target?"),
            ("target", "key=value"),
            ("type=secret", "needs an id"),
            ("type=secret,id=a,source=b", "not both"),
            ("type=bind,sharing=shared", "no option sharing"),
            ("type=cache,sharing=none", "sharing mode"),
            ("type=bind,uid=0", "no option uid"),
            ("required,type=secret,id=a", "type must stand before"),
            ("ro=yes", "invalid value"),
            ("a\"b", "quotes"),
            ("", "empty"),
        ] {
            let message = parse(value).unwrap_err().message;
            assert!(message.contains(part), "{value}: {message}");
        }
        assert!(check("from=$X").is_err());
        assert!(check("from=x$,target=$Y,nonsense").is_ok());
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("1", Some(1)),
            ("2kb", Some(2048)),
            ("1 GiB", Some(1 << 30)),
            ("1x", None),
            ("m", None),
            ("-1", None),
            ("1ib", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn devices() {
        for (value, fine) in [
            ("vendor/device=x,required", true),
            ("name=a,name=b", false),
            ("a,required=maybe", false),
            ("a,b", false),
        ] {
            assert_eq!(check_device(value).is_ok(), fine, "{value}");
        }
    }
}
