//! Somebody who talks in rooms by hand-made frames.

use crate::support::Hub;
use crate::support::peer::{Peer, token};
use serde_json::{Value, json};

/// Somebody with an account, on a connection.
pub(crate) struct Talker {
    pub(crate) peer: Peer,
    pub(crate) account: String,
    secret: String,
    acts: u32,
    /// Events that came while an answer was awaited, oldest first.
    events: Vec<(Value, Vec<u8>)>,
}

/// `ok`, or the code of the refusal.
pub(crate) fn code(answer: &Value) -> String {
    match answer["error"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None if answer["ok"].is_object() => "ok".to_owned(),
        None => panic!("no answer: {answer}"),
    }
}

/// The JSON lines of a body.
pub(crate) fn lines(body: &[u8]) -> Vec<Value> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

impl Talker {
    /// The first one, who looks after the hub.
    pub(crate) fn admin(hub: &Hub, name: &str) -> Self {
        Self::joined(hub, token(hub.admin_link()), name)
    }

    /// Brings somebody in.
    pub(crate) fn brings(&mut self, hub: &Hub, role: &str, name: &str) -> Self {
        let invite = json!({ "role": role, "uses": 1, "expires": 600 });
        let invitation = self.ask("invite", &invite);
        Self::joined(hub, invitation["ok"]["token"].as_str().unwrap(), name)
    }

    fn joined(hub: &Hub, token: &str, name: &str) -> Self {
        let mut peer = Peer::greeted(hub);
        let joined = peer.ask("join", &json!({ "token": token, "name": name }));
        let text = |value: &Value| value.as_str().expect("a login").to_owned();
        Self {
            peer,
            account: text(&joined["ok"]["account"]["id"]),
            secret: text(&joined["ok"]["secret"]),
            acts: 0,
            events: Vec::new(),
        }
    }

    /// The same person on another connection.
    pub(crate) fn elsewhere(&self, hub: &Hub) -> Self {
        let mut peer = Peer::greeted(hub);
        let resumed = peer.ask("resume", &json!({ "session": self.secret }));
        assert_eq!(code(&resumed), "ok", "{resumed}");
        Self {
            peer,
            account: self.account.clone(),
            secret: self.secret.clone(),
            acts: 1 << 16,
            events: Vec::new(),
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: &str, arguments: &Value) -> Value {
        self.ask_with(request, arguments, b"")
    }

    /// The same with a body.
    pub(crate) fn ask_with(&mut self, request: &str, arguments: &Value, body: &[u8]) -> Value {
        let id = self.peer.request(request, arguments, body);
        self.answer(id).0
    }

    /// The same for the body of the answer.
    pub(crate) fn ask_for(&mut self, request: &str, arguments: &Value) -> (Value, Vec<u8>) {
        let id = self.peer.request(request, arguments, b"");
        self.answer(id)
    }

    /// The same with all that was pushed until then and was not looked at.
    pub(crate) fn ask_collecting(&mut self, request: &str, arguments: &Value) -> (Value, Vec<Value>) {
        let answer = self.ask(request, arguments);
        let events = std::mem::take(&mut self.events);
        (answer, events.into_iter().map(|(header, _)| header).collect())
    }

    /// The answer to a request that was sent before.
    pub(crate) fn answer(&mut self, id: u64) -> (Value, Vec<u8>) {
        loop {
            let (header, body) = self.peer.receive().expect("an answer");
            if header["id"] == id {
                return (header, body);
            }
            if header["event"].is_string() {
                self.events.push((header, body));
            }
        }
    }

    /// The next thing that comes, or came while an answer was awaited.
    pub(crate) fn receive(&mut self) -> (Value, Vec<u8>) {
        if self.events.is_empty() {
            self.peer.receive().expect("something")
        } else {
            self.events.remove(0)
        }
    }

    /// The next event of a room; what comes before it is dropped.
    pub(crate) fn event(&mut self) -> (Value, Vec<u8>) {
        loop {
            let (header, body) = self.receive();
            if header["event"] == "room" {
                return (header, body);
            }
        }
    }

    /// The next signal of a kind; what comes before it is dropped.
    pub(crate) fn signal(&mut self, kind: &str) -> Value {
        loop {
            let (header, _) = self.receive();
            if header["event"] == "signal" && header["args"]["signal"] == kind {
                return header["args"].clone();
            }
        }
    }

    /// Tries to do something, with a text; the answer.
    pub(crate) fn tries_with(&mut self, target: &str, act: &Value, text: impl AsRef<str>) -> Value {
        let mut call = act.clone();
        call["target"] = json!(target);
        call["client_id"] = json!(self.client_id());
        self.ask_with("do", &call, text.as_ref().as_bytes())
    }

    /// Does something, which must succeed; the number of the event.
    #[track_caller]
    pub(crate) fn does_with(&mut self, target: &str, act: &Value, text: &str) -> u64 {
        let answer = self.tries_with(target, act, text);
        let sequence = answer["ok"]["sequence"].as_u64();
        sequence.unwrap_or_else(|| panic!("{act}: {answer}"))
    }

    /// The same without a text.
    #[track_caller]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "reads as what it is where it is called"
    )]
    pub(crate) fn does(&mut self, target: &str, act: Value) {
        self.does_with(target, &act, "");
    }

    /// Says something; the number of the event.
    #[track_caller]
    pub(crate) fn says(&mut self, target: &str, text: &str) -> u64 {
        self.does_with(target, &json!({ "act": "say" }), text)
    }

    /// Says something and does not wait for the answer.
    pub(crate) fn sends(&mut self, target: &str, text: &str) {
        let call = json!({ "target": target, "client_id": self.client_id() });
        self.peer.request("send", &call, text.as_bytes());
    }

    /// Another one each time.
    fn client_id(&mut self) -> String {
        self.acts += 1;
        format!("{:032x}", self.acts)
    }
}
