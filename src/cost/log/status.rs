//! BuildKit's progress as a build record keeps it: messages of Protocol Buffers, each behind its length
//! (moby/buildkit api/services/control/control.proto `StatusResponse`, solver/llbsolver/history/buildhistory.go
//! `ImportStatus`).
//!
//! The only file that knows the `prost` package.

use super::rawjson::RawStatus;
use super::rawjson::RawVertex;
use super::rawjson::Status;
use prost::Message;

/// Fields of a `StatusResponse`; output of commands and warnings are passed over.
const VERTEXES: u8 = 1;
const STATUSES: u8 = 2;
/// Wire type of what carries its length; all fields of a `StatusResponse` do.
const LENGTH_DELIMITED: u8 = 2;

#[derive(Clone, PartialEq, Message)]
struct Vertex {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(string, repeated, tag = "2")]
    inputs: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bool, tag = "4")]
    cached: bool,
    #[prost(message, optional, tag = "5")]
    started: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    completed: Option<Timestamp>,
    #[prost(string, tag = "7")]
    error: String,
}

#[derive(Clone, PartialEq, Message)]
struct VertexStatus {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    vertex: String,
    #[prost(int64, tag = "4")]
    current: i64,
    #[prost(int64, tag = "5")]
    total: i64,
    #[prost(message, optional, tag = "7")]
    started: Option<Timestamp>,
    #[prost(message, optional, tag = "8")]
    completed: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Timestamp {
    /// Milliseconds since 1970.
    fn ms(self) -> i64 {
        let ms = self.seconds.saturating_mul(1000);
        ms.saturating_add(i64::from(self.nanos) / 1_000_000)
    }
}

/// The statuses of a record's log, in order, and whether all of it could be read. BuildKit may write a whole build into
/// one message: its fields are taken one by one, so that a cut costs only what is behind it, and two bytes of message do
/// not become a hundred of memory all at once.
pub(super) fn statuses(mut log: &[u8], mut each: impl FnMut(Status)) -> bool {
    let mut is_whole = true;
    while let Some((head, rest)) = log.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*head) as usize).min(rest.len());
        is_whole &= length == u32::from_le_bytes(*head) as usize;
        let (message, rest) = rest.split_at(length);
        log = rest;
        is_whole &= fields(message, &mut each);
    }
    is_whole && log.is_empty()
}

/// A message's fields, up to the first that is damaged.
fn fields(mut message: &[u8], each: &mut impl FnMut(Status)) -> bool {
    let mut is_whole = true;
    while let Some((&key, mut rest)) = message.split_first() {
        let length = prost::decode_length_delimiter(&mut rest).ok();
        let field = length.and_then(|length| rest.split_at_checked(length));
        let Some((bytes, rest)) = field.filter(|_| key & 7 == LENGTH_DELIMITED) else {
            return false;
        };
        message = rest;
        let (mut vertexes, mut statuses) = (None, None);
        match key >> 3 {
            VERTEXES => vertexes = Vertex::decode(bytes).ok().map(|v| vec![v.into()]),
            STATUSES => statuses = VertexStatus::decode(bytes).ok().map(|s| vec![s.into()]),
            _ => continue,
        }
        is_whole &= vertexes.is_some() || statuses.is_some();
        each(Status { vertexes, statuses });
    }
    is_whole
}

impl From<Vertex> for RawVertex {
    fn from(vertex: Vertex) -> Self {
        Self {
            digest: vertex.digest,
            inputs: Some(vertex.inputs),
            name: vertex.name,
            started: vertex.started.map(Timestamp::ms),
            completed: vertex.completed.map(Timestamp::ms),
            cached: vertex.cached,
            error: Some(vertex.error),
        }
    }
}

impl From<VertexStatus> for RawStatus {
    fn from(status: VertexStatus) -> Self {
        Self {
            id: status.id,
            vertex: status.vertex,
            total: status.total,
            current: status.current,
            started: status.started.map(Timestamp::ms),
            completed: status.completed.map(Timestamp::ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        [&(message.len() as u32).to_le_bytes(), message].concat()
    }

    /// Names of the vertices that were read, and whether all was.
    fn read(log: &[u8]) -> (Vec<String>, bool) {
        let mut names = Vec::new();
        let is_whole = statuses(log, |status| {
            let vertexes = status.vertexes.unwrap_or_default();
            names.extend(vertexes.into_iter().map(|v| v.name));
        });
        (names, is_whole)
    }

    fn message(name: &str) -> Vec<u8> {
        let vertex = Vertex {
            name: name.to_owned(),
            started: Some(Timestamp {
                seconds: 1,
                nanos: 5_000_000,
            }),
            ..Vertex::default()
        };
        let bytes = vertex.encode_to_vec();
        let message = [
            &[VERTEXES << 3 | LENGTH_DELIMITED, bytes.len() as u8],
            &bytes[..],
        ]
        .concat();
        framed(&message)
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let log = [message("a"), framed(&[]), message("b")].concat();
        assert_eq!(read(&log), (vec!["a".to_owned(), "b".to_owned()], true));
        assert_eq!(read(&[]), (vec![], true));
        let cut = &log[..log.len() - 1];
        assert_eq!(read(cut), (vec!["a".to_owned()], false));
        // All in one message, and the cut in the middle of it.
        let two = [&message("a")[4..], &message("b")[4..]].concat();
        assert_eq!(
            read(&framed(&two)),
            (vec!["a".to_owned(), "b".to_owned()], true)
        );
        assert_eq!(
            read(&framed(&two)[..two.len()]),
            (vec!["a".to_owned()], false)
        );
        let giant = [&u32::MAX.to_le_bytes()[..], b"x"].concat();
        assert_eq!(read(&giant), (vec![], false));
        // A damaged message costs only itself.
        let damaged = [framed(&[0x0a, 0x7f]), message("b")].concat();
        assert_eq!(read(&damaged), (vec!["b".to_owned()], false));
    }

    #[test]
    fn times_of_all_eras() {
        let ms = |seconds, nanos| Timestamp { seconds, nanos }.ms();
        assert_eq!(ms(1, 5_000_000), 1005);
        assert_eq!(ms(i64::MAX, i32::MAX), i64::MAX);
        assert_eq!(ms(i64::MIN, 0), i64::MIN);
    }
}
