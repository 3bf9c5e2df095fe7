//! Ways to peers that are most likely not meant.

use super::Body;
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Builtin, Expr, ExprKind, Where};
use crate::source::Span;

impl Body<'_> {
    /// Warns of a relay that is the peer itself, or stands twice, and of a way back to the
    /// initiator that does not pass its relay.
    pub(super) fn check_way(&mut self, at: &Where) {
        for (index, relay) in at.via.iter().enumerate() {
            let message = if same(&at.peer, relay) {
                "a peer is not reached through itself"
            } else if at.via[..index].iter().any(|before| same(before, relay)) {
                "this relay is passed twice"
            } else {
                continue;
            };
            let problem = self.way(message, relay.span);
            self.report(problem.help("leave this relay out"));
        }
        if self.places > 0 && at.via.is_empty() && is_initiator(&at.peer) {
            let end = Span::new(at.peer.span.end, at.peer.span.end);
            let problem = self
                .way("the initiator is reached through its relay", at.peer.span)
                .note(
                    "clients are connected with their relay only, and other peers cannot dial them",
                )
                .help("write `via HOST_PEER_ID` behind it")
                .edit(end, " via HOST_PEER_ID");
            self.report(problem);
        }
    }

    fn way(&self, message: &str, span: Span) -> Diagnostic {
        Diagnostic::warning(codes::WAY, message, self.file, span)
    }
}

fn is_initiator(peer: &Expr) -> bool {
    matches!(peer.kind, ExprKind::Builtin(Builtin::InitPeerId))
}

/// Whether two values are certainly the same.
fn same(one: &Expr, other: &Expr) -> bool {
    match (&one.kind, &other.kind) {
        (ExprKind::Local(one), ExprKind::Local(other)) => one == other,
        (ExprKind::Builtin(one), ExprKind::Builtin(other)) => one == other,
        (ExprKind::Literal(one), ExprKind::Literal(other)) => one == other,
        _ => false,
    }
}
