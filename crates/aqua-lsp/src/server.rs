//! The protocol: messages in, messages out.

use crate::analysis::{Analysis, Compiler};
use crate::defect::{Guarded, guarded};
use crate::documents::path_of;
use crate::workspace::Workspace;
use crate::{
    actions, completion, definition, diagnostics, hints, hover, library, references, rename,
    signature, symbols, tokens,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tower_lsp_server::jsonrpc::{Error, Result};
#[allow(
    clippy::wildcard_imports,
    reason = "nearly all of them are used here, once"
)]
use tower_lsp_server::ls_types::*;
use tower_lsp_server::{Client, LanguageServer, LspService, Server};
use weir_aqua::syntax::format;
use weir_aqua::{FileId, Place};

/// Serves one editor until it says that it exits, or closes the stream. `imports` are
/// folders in which imports are looked for that are not found beside the importing file;
/// the editor may name more as `imports` in its initialization options.
pub async fn serve(stdin: impl AsyncRead + Unpin, stdout: impl AsyncWrite, imports: Vec<PathBuf>) {
    serve_with(weir_aqua::compile, stdin, stdout, imports).await;
}

/// The same with another compiler: tests have one that breaks off.
pub async fn serve_with(
    compiler: Compiler,
    stdin: impl AsyncRead + Unpin,
    stdout: impl AsyncWrite,
    imports: Vec<PathBuf>,
) {
    let workspace = Workspace::with_compiler(compiler, Vec::new(), imports.clone());
    let state = Arc::new(State {
        workspace: Mutex::new(workspace),
        changed: Notify::new(),
    });
    let (service, socket) = LspService::new(|client| Backend {
        client,
        state: state.clone(),
        compiler,
        imports,
    });
    let client = service.inner().client.clone();
    let broken = state.clone();
    let service = Guarded {
        inner: service,
        forget: move || broken.lock().forget(),
    };
    // messages are answered in their order: an edit has to come before what is asked about it
    let server = Server::new(stdin, stdout, socket).concurrency_level(1);
    tokio::select! {
        () = server.serve(service) => {}
        () = publish(&state, &client) => {}
    }
}

struct State {
    workspace: Mutex<Workspace>,
    /// Something may be wrong with other places than before.
    changed: Notify,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Workspace> {
        self.workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the editor what is wrong, whenever something has changed. Changes that come
/// while an analysis runs are taken together.
async fn publish(state: &State, client: &Client) {
    loop {
        state.changed.notified().await;
        loop {
            let message = {
                let mut workspace = state.lock();
                let Some(path) = workspace.untold() else {
                    break;
                };
                match guarded(|| report(&mut workspace, &path)) {
                    Ok(message) => message,
                    Err(defect) => {
                        workspace.tell_broken(&path);
                        let document = workspace.documents().get(&path);
                        document.map(|document| {
                            let told = vec![diagnostics::of_defect(defect.message())];
                            (document.uri.clone(), told, document.version)
                        })
                    }
                }
            };
            let Some((uri, diagnostics, version)) = message else {
                break;
            };
            client
                .publish_diagnostics(uri, diagnostics, Some(version))
                .await;
            // other messages first
            tokio::task::yield_now().await;
        }
    }
}

fn report(workspace: &mut Workspace, path: &Path) -> Option<(Uri, Vec<Diagnostic>, i32)> {
    let (analysis, file) = workspace.tell(path)?;
    let document = workspace.documents().get(path)?;
    let uri = |file: FileId| uri_of(workspace, &analysis, file);
    Some((
        document.uri.clone(),
        diagnostics::of(&analysis, file, &uri),
        document.version,
    ))
}

/// The address of a file: as the editor writes it if it is open there.
fn uri_of(workspace: &Workspace, analysis: &Analysis, file: FileId) -> Option<Uri> {
    let path = &analysis.file(file).path;
    if let Some(document) = workspace.documents().get(path) {
        return Some(document.uri.clone());
    }
    if path.is_absolute() {
        return Uri::from_file_path(path);
    }
    Uri::from_file_path(library::readable(path)?)
}

struct Backend {
    client: Client,
    state: Arc<State>,
    compiler: Compiler,
    imports: Vec<PathBuf>,
}

/// Where something is asked about.
struct Asked {
    analysis: Arc<Analysis>,
    file: FileId,
    offset: u32,
}

impl Backend {
    fn file(&self, uri: &Uri) -> Option<(Arc<Analysis>, FileId)> {
        self.state.lock().analysis(&path_of(uri))
    }

    fn at(&self, place: &TextDocumentPositionParams) -> Option<Asked> {
        let (analysis, file) = self.file(&place.text_document.uri)?;
        let offset = analysis.offset(file, place.position);
        Some(Asked {
            analysis,
            file,
            offset,
        })
    }

    /// The same in all files of the folders.
    fn at_whole(&self, place: &TextDocumentPositionParams) -> Option<Asked> {
        let path = path_of(&place.text_document.uri);
        let (analysis, file) = self.state.lock().whole(&path)?;
        let offset = analysis.offset(file, place.position);
        Some(Asked {
            analysis,
            file,
            offset,
        })
    }

    fn locations(
        &self,
        analysis: &Analysis,
        places: impl IntoIterator<Item = Place>,
    ) -> Vec<Location> {
        let workspace = self.state.lock();
        places
            .into_iter()
            .filter_map(|place| {
                let uri = uri_of(&workspace, analysis, place.file)?;
                Some(Location::new(uri, analysis.range(place)))
            })
            .collect()
    }

    fn changed(&self) {
        self.state.changed.notify_one();
    }
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(PositionEncodingKind::UTF16),
        text_document_sync: Some(TextDocumentSyncCapability::Kind(
            TextDocumentSyncKind::INCREMENTAL,
        )),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        type_definition_provider: Some(TypeDefinitionProviderCapability::Simple(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![String::from("."), String::from("\"")]),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: Some(vec![String::from("("), String::from(",")]),
            ..SignatureHelpOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: tokens::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            },
        )),
        inlay_hint_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let mut imports = self.imports.clone();
        let given = params.initialization_options.as_ref();
        let given = given.and_then(|options| options.get("imports")?.as_array());
        imports.extend(
            given
                .into_iter()
                .flatten()
                .filter_map(|path| Some(PathBuf::from(path.as_str()?))),
        );
        let folders = params.workspace_folders.unwrap_or_default();
        let folders: Vec<PathBuf> = folders.iter().map(|folder| path_of(&folder.uri)).collect();
        *self.state.lock() = Workspace::with_compiler(self.compiler, folders, imports);
        Ok(InitializeResult {
            capabilities: capabilities(),
            server_info: Some(ServerInfo {
                name: String::from("weir"),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        let options = serde_json::json!({"watchers": [{"globPattern": "**/*.aqua"}]});
        let watch = Registration {
            id: String::from("files"),
            method: String::from("workspace/didChangeWatchedFiles"),
            register_options: Some(options),
        };
        // editors that cannot watch files say so; opening and saving is told anyway
        let _ = self.client.register_capability(vec![watch]).await;
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.state
            .lock()
            .open(document.uri, document.version, &document.text);
        self.changed();
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let changes = params.content_changes.iter();
        let changes = changes.map(|change| (change.range, change.text.as_str()));
        self.state
            .lock()
            .change(&path_of(&document.uri), document.version, changes);
        self.changed();
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        let path = path_of(&params.text_document.uri);
        self.state.lock().changed_on_disk(&path);
        self.changed();
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        self.state.lock().close(&path_of(&uri));
        self.client.publish_diagnostics(uri, Vec::new(), None).await;
        self.changed();
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        for change in &params.changes {
            self.state.lock().changed_on_disk(&path_of(&change.uri));
        }
        self.changed();
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let Some(at) = self.at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let found = hover::hover(&at.analysis, at.file, at.offset);
        Ok(found.map(|(place, value)| Hover {
            contents: HoverContents::Markup(MarkupContent {
                kind: MarkupKind::Markdown,
                value,
            }),
            range: Some(at.analysis.range(place)),
        }))
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        let Some(at) = self.at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let places = definition::definition(&at.analysis, at.file, at.offset);
        let locations = self.locations(&at.analysis, places);
        Ok(Some(GotoDefinitionResponse::Array(locations)))
    }

    async fn goto_type_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        let Some(at) = self.at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let places = definition::type_definition(&at.analysis, at.file, at.offset);
        let locations = self.locations(&at.analysis, places);
        Ok(Some(GotoDefinitionResponse::Array(locations)))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let Some(at) = self.at_whole(&params.text_document_position) else {
            return Ok(None);
        };
        let mut places = references::references(&at.analysis, at.file, at.offset);
        if !params.context.include_declaration {
            places.retain(|place| at.analysis.index().definition(*place).is_none());
        }
        Ok(Some(self.locations(&at.analysis, places)))
    }

    async fn document_highlight(
        &self,
        params: DocumentHighlightParams,
    ) -> Result<Option<Vec<DocumentHighlight>>> {
        let Some(at) = self.at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let places = references::references(&at.analysis, at.file, at.offset);
        let here = places.into_iter().filter(|place| place.file == at.file);
        let highlights = here.map(|place| DocumentHighlight {
            range: at.analysis.range(place),
            kind: None,
        });
        Ok(Some(highlights.collect()))
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> Result<Option<PrepareRenameResponse>> {
        let Some(at) = self.at(&params) else {
            return Ok(None);
        };
        let place = rename::prepare(&at.analysis, at.file, at.offset).map_err(refused)?;
        Ok(Some(PrepareRenameResponse::RangeWithPlaceholder {
            range: at.analysis.range(place),
            placeholder: at.analysis.text(place).to_owned(),
        }))
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let Some(at) = self.at_whole(&params.text_document_position) else {
            return Ok(None);
        };
        let path = at.analysis.file(at.file).path.clone();
        let mut workspace = self.state.lock();
        let (analysis, edits) = workspace
            .rename(&path, at.offset, &params.new_name)
            .map_err(refused)?;
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for (place, text) in edits {
            let uri =
                uri_of(&workspace, &analysis, place.file).ok_or_else(Error::internal_error)?;
            let edit = TextEdit::new(analysis.range(place), text);
            changes.entry(uri).or_default().push(edit);
        }
        Ok(Some(WorkspaceEdit::new(changes)))
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let Some(at) = self.at(&params.text_document_position) else {
            return Ok(None);
        };
        let path = at.analysis.file(at.file).path.clone();
        let workspace = self.state.lock();
        let analyse = |text: &str| workspace.imagined(&path, text);
        let items = completion::completion(&at.analysis, at.file, at.offset, &analyse);
        let items = items.into_iter().map(|item| CompletionItem {
            label: item.label,
            kind: Some(item.kind),
            detail: (!item.detail.is_empty()).then_some(item.detail),
            ..CompletionItem::default()
        });
        Ok(Some(CompletionResponse::Array(items.collect())))
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        let Some(at) = self.at(&params.text_document_position_params) else {
            return Ok(None);
        };
        let found = signature::signature(&at.analysis, at.file, at.offset);
        Ok(found.map(|found| {
            let parameters = found
                .params
                .iter()
                .map(|(start, end)| ParameterInformation {
                    label: ParameterLabel::LabelOffsets([*start, *end]),
                    documentation: None,
                });
            SignatureHelp {
                signatures: vec![SignatureInformation {
                    label: found.label,
                    documentation: None,
                    parameters: Some(parameters.collect()),
                    active_parameter: Some(found.active),
                }],
                active_signature: Some(0),
                active_parameter: Some(found.active),
            }
        }))
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let Some((analysis, file)) = self.file(&params.text_document.uri) else {
            return Ok(None);
        };
        let text = &analysis.file(file).text;
        // what cannot be read stays as it is; the diagnostics say why
        let Ok(new) = format(text) else {
            return Ok(None);
        };
        if *new == **text {
            return Ok(Some(Vec::new()));
        }
        let span = weir_aqua::Span::new(0, text.len() as u32);
        let range = analysis.range(Place { file, span });
        Ok(Some(vec![TextEdit::new(range, new)]))
    }

    async fn document_symbol(
        &self,
        params: DocumentSymbolParams,
    ) -> Result<Option<DocumentSymbolResponse>> {
        let Some((analysis, file)) = self.file(&params.text_document.uri) else {
            return Ok(None);
        };
        let symbols = symbols::symbols(&analysis, file);
        let symbols = symbols
            .iter()
            .map(|symbol| outline(&analysis, file, symbol));
        Ok(Some(DocumentSymbolResponse::Nested(symbols.collect())))
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> Result<Option<SemanticTokensResult>> {
        let Some((analysis, file)) = self.file(&params.text_document.uri) else {
            return Ok(None);
        };
        let coloured = tokens::tokens(&analysis, file);
        Ok(Some(SemanticTokensResult::Tokens(SemanticTokens {
            result_id: None,
            data: tokens::encode(&analysis, file, &coloured),
        })))
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let Some((analysis, file)) = self.file(&params.text_document.uri) else {
            return Ok(None);
        };
        let span = analysis.span(file, params.range);
        let hints = hints::hints(&analysis, file, span).into_iter().map(|hint| {
            let span = weir_aqua::Span::new(hint.offset, hint.offset);
            InlayHint {
                position: analysis.range(Place { file, span }).start,
                label: InlayHintLabel::String(hint.label),
                kind: None,
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(String::from(
                    "The particle passes these peers before the last one is asked.",
                ))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            }
        });
        Ok(Some(hints.collect()))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri;
        let Some((analysis, file)) = self.file(&uri) else {
            return Ok(None);
        };
        let workspace = self.state.lock();
        let span = analysis.span(file, params.range);
        let found = actions::actions(&analysis, file, span);
        let uri_of = |file: FileId| uri_of(&workspace, &analysis, file);
        let found = found.into_iter().map(|action| {
            let edit = TextEdit::new(analysis.range(action.place), action.text.to_owned());
            let mistakes = diagnostics::of_one(&analysis, action.diagnostic, &uri_of);
            CodeActionOrCommand::CodeAction(CodeAction {
                title: action.title,
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![mistakes]),
                edit: Some(WorkspaceEdit::new(HashMap::from([(
                    uri.clone(),
                    vec![edit],
                )]))),
                is_preferred: Some(true),
                ..CodeAction::default()
            })
        });
        Ok(Some(found.collect()))
    }
}

fn refused(reason: String) -> Error {
    let mut error = Error::invalid_request();
    error.message = reason.into();
    error
}

#[allow(
    deprecated,
    reason = "the protocol's type has a field that is deprecated"
)]
fn outline(analysis: &Analysis, file: FileId, symbol: &symbols::Symbol) -> DocumentSymbol {
    let range = |span| analysis.range(Place { file, span });
    let children = symbol.children.iter();
    let children: Vec<_> = children
        .map(|child| outline(analysis, file, child))
        .collect();
    DocumentSymbol {
        name: symbol.name.clone(),
        detail: None,
        kind: symbol.kind,
        tags: None,
        deprecated: None,
        range: range(symbol.span),
        selection_range: range(symbol.name_span),
        children: (!children.is_empty()).then_some(children),
    }
}
