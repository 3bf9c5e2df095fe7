//! The hops of a placed program by the calls that need them, to be shown beside the text.

use super::plan::{is_rethrow, text};
use crate::ir::{FrameId, Op, Program};
use crate::source::Span;

/// The way to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hops {
    /// The call, in the text of the function; none for what gives the results to the client.
    pub site: Option<Span>,
    /// The peers that are passed and the one that is asked, as the script names them.
    pub peers: Vec<String>,
}

/// The calls of a placed program for which the particle moves, in the order of the
/// script. Ways that only tell a failure to who handles it are left out.
pub fn hops(program: &Program) -> Vec<Hops> {
    let mut walk = Walk {
        program,
        at: peer(program, FrameId::ROOT),
        passed: Vec::new(),
        found: Vec::new(),
    };
    walk.visit(&program.body);
    walk.found
}

fn peer(program: &Program, frame: FrameId) -> String {
    text(program, &program.frames.get(frame).peer)
}

struct Walk<'p> {
    program: &'p Program,
    /// Who was asked last.
    at: String,
    /// What was passed since.
    passed: Vec<String>,
    found: Vec<Hops>,
}

impl Walk<'_> {
    fn visit(&mut self, op: &Op) {
        match op {
            Op::Seq(ops) => ops.iter().for_each(|op| self.visit(op)),
            Op::Par(arms) => {
                let before = self.at.clone();
                for arm in arms {
                    self.at.clone_from(&before);
                    self.visit(arm);
                    self.passed.clear();
                }
            }
            Op::Detach(body) => {
                let before = (self.at.clone(), std::mem::take(&mut self.passed));
                self.visit(body);
                (self.at, self.passed) = before;
            }
            Op::Xor(left, right) => {
                self.visit(left);
                if !is_rethrow(right) {
                    self.visit(right);
                }
            }
            Op::Match { body, .. }
            | Op::Fold { body, .. }
            | Op::New(_, body)
            | Op::On { body, .. } => self.visit(body),
            Op::Hop(peer) => self.passed.push(text(self.program, peer)),
            Op::HopEach { peers, .. } => {
                let peers = text(self.program, peers);
                self.passed.push(format!("each of {peers}"));
            }
            Op::Call { frame, site, .. } => self.call(*frame, *site),
            Op::Null
            | Op::Never
            | Op::Next(_)
            | Op::Canon { .. }
            | Op::Ap { .. }
            | Op::ApMap { .. }
            | Op::Fail(_) => {}
        }
    }

    fn call(&mut self, frame: FrameId, site: Option<Span>) {
        let peer = peer(self.program, frame);
        if self.at != peer || !self.passed.is_empty() {
            self.passed.push(peer.clone());
            self.at = peer;
        }
        // what the compiler asks for on the way has no place in the text
        let is_shown = site.is_some() || frame == FrameId::ROOT;
        if is_shown && !self.passed.is_empty() {
            let peers = std::mem::take(&mut self.passed);
            self.found.push(Hops { site, peers });
        }
    }
}
