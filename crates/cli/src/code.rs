//! Error codes and their pages. A code without a page does not compile.

use crate::exit::Exit;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $exit:ident;)*) => {
        /// What can go wrong. The text of a code is stable; `weir explain` shows its page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the numbers.
            pub(crate) const ALL: &[Code] = &[$(Code::$name,)*];

            /// `W` and four digits.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// How the process ends on it.
            pub(crate) fn exit(self) -> Exit {
                match self { $(Code::$name => Exit::$exit,)* }
            }

            /// Markdown: a title, then the sections Cause, Example and Fix.
            pub(crate) fn page(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("../explain/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    /// A defect of this program, or of the machine under it.
    Internal = "W0001", Internal;
    /// Wrong arguments.
    Usage = "W0002", Usage;
    /// An input file cannot be read.
    FileUnreadable = "W0003", NotFound;
    /// A file cannot be written.
    FileUnwritable = "W0004", Internal;
    /// JSON input is not what the command takes.
    InputMalformed = "W0005", Configuration;
    /// A file in `.weir` is not what this version writes.
    StateMalformed = "W0006", Configuration;
    /// There is no page of this name.
    Unexplained = "W0007", NotFound;
    /// The script exceeds a limit.
    AirLimit = "W0100", Build;
    /// A word is not a name, number or reserved value.
    AirBadWord = "W0101", Build;
    /// A string literal is not closed.
    AirUnterminatedString = "W0102", Build;
    /// A number is malformed or out of range.
    AirBadNumber = "W0103", Build;
    /// A lens is malformed.
    AirBadLens = "W0104", Build;
    /// Something else was expected here.
    AirUnexpected = "W0105", Build;
    /// Parentheses are not closed at the end of the text.
    AirUnclosed = "W0106", Build;
    /// There is text after the script.
    AirTrailing = "W0107", Build;
    /// This kind of operand cannot stand here.
    AirBadOperand = "W0108", Build;
    /// There is no such instruction.
    AirUnknownInstruction = "W0109", Build;
    /// A name is used but never defined before.
    AirUndefined = "W0110", Build;
    /// `next` stands outside of its fold.
    AirStrayNext = "W0111", Build;
    /// A fold has more than one `next`.
    AirSecondNext = "W0112", Build;
    /// A fold uses the iterator of a fold around it.
    AirIteratorReused = "W0113", Build;
    /// `new` is applied to an iterator in use.
    AirNewIterator = "W0114", Build;
    /// `fail` with code zero.
    AirFailZero = "W0115", Build;
    /// Something follows `next` in a fold over a stream or stream map.
    AirAfterNext = "W0116", Build;
    /// Warning: an undefined name in a place where the language allows it.
    AirMaybeUndefined = "W0150", Build;
    /// Warning: a result has the name of an iterator in use.
    AirResultNamedAsIterator = "W0151", Build;
    /// Warning: a stream or stream map that nothing fills.
    AirNeverFilled = "W0152", Build;
    /// AIR that does not parse or is not valid; the codes above say how.
    AirInvalid = "W0180", Build;
    /// `air fmt --check` found another layout.
    AirUnformatted = "W0190", Build;
    /// The script raised an error that nothing caught.
    AirFailed = "W0191", FunctionFailed;
    /// The script cannot go on: misuse of the language or a limit.
    AirStuck = "W0192", FunctionFailed;
    /// The program exceeds a limit of the compiler.
    AquaLimit = "W0200", Build;
    /// The text does not match the grammar.
    AquaSyntax = "W0201", Build;
    /// A block has no statements.
    AquaEmptyBlock = "W0202", Build;
    /// A line is indented unlike the lines before it.
    AquaIndentation = "W0203", Build;
    /// A statement cannot stand here.
    AquaMisplacedStatement = "W0204", Build;
    /// A literal is malformed or out of range.
    AquaBadLiteral = "W0205", Build;
    /// A constant is not a literal.
    AquaBadConstant = "W0206", Build;
    /// The header of a file is missing, misplaced or spelled in an old way.
    AquaHeader = "W0210", Build;
    /// An imported file cannot be found or read.
    AquaUnresolvedImport = "W0211", Build;
    /// Files import each other in a circle.
    AquaImportCycle = "W0212", Build;
    /// A file does not declare what is imported from it.
    AquaNotDeclared = "W0213", Build;
    /// `declares` or `export` names what does not exist.
    AquaUnknownDeclared = "W0214", Build;
    /// This cannot be exported.
    AquaBadExport = "W0215", Build;
    /// One name stands for two things.
    AquaAmbiguous = "W0216", Build;
    /// There is no type of this name.
    AquaUnknownType = "W0220", Build;
    /// A type cannot be used here.
    AquaBadType = "W0221", Build;
    /// A name is defined twice.
    AquaDuplicate = "W0222", Build;
    /// A definition needs itself.
    AquaRecursion = "W0223", Build;
    /// There is no value or function of this name.
    AquaUnknownName = "W0230", Build;
    /// A service is called whose id is not known here.
    AquaNoServiceId = "W0231", Build;
    /// This is not a service.
    AquaNotAService = "W0232", Build;
    /// A value has no such field, method or arrow.
    AquaUnknownMember = "W0233", Build;
    /// A call has too few or too many arguments.
    AquaArgumentCount = "W0240", Build;
    /// The type of a value is not the one needed here.
    AquaTypeMismatch = "W0241", Build;
    /// This is not a call, or not a value.
    AquaNotACall = "W0242", Build;
    /// There are more names than results.
    AquaResultCount = "W0243", Build;
    /// Only a collection has elements.
    AquaNotACollection = "W0244", Build;
    /// A construction misses fields, or has unknown ones.
    AquaFields = "W0245", Build;
    /// This cannot be an element of a collection or a field.
    AquaNotData = "W0246", Build;
    /// An operator cannot be applied to these operands.
    AquaOperands = "W0247", Build;
    /// Only streams and stream maps can be pushed to.
    AquaNotAStream = "W0248", Build;
    /// `else`, `catch`, `otherwise` or `par` without what it belongs to.
    AquaStrayBranch = "W0250", Build;
    /// A function returns too few, too many or misplaced values.
    AquaReturn = "W0251", Build;
    /// A wait that can never end.
    AquaNeverEnds = "W0260", Build;
    /// Warning: a result that nothing uses.
    AquaUnusedResult = "W0280", Build;
    /// Warning: a field that the type does not have.
    AquaUnknownField = "W0281", Build;
    /// Warning: statements after the result of a function.
    AquaAfterReturn = "W0282", Build;
    /// Warning: a value that may not be there when it is read.
    AquaMaybeNever = "W0283", Build;
    /// Warning: a name hides another one.
    AquaShadowed = "W0284", Build;
    /// Warning: the result type of an operation is not certain.
    AquaWidened = "W0285", Build;
    /// Warning: a form of older versions of the language.
    AquaOldForm = "W0286", Build;
    /// Warning: a way to a peer that leads nowhere else, or that is missing.
    AquaWay = "W0287", Build;
    /// A program does not compile.
    AquaInvalid = "W0290", Build;
    /// `aqua fmt --check` found another layout.
    AquaUnformatted = "W0291", Build;
    /// What `aqua run` is to call cannot be called so.
    AquaCall = "W0292", Usage;
    /// A function that was run told its caller of an error.
    AquaFailed = "W0293", FunctionFailed;
    /// Tests of a program did not pass.
    AquaTests = "W0294", NotVerified;
    /// Peers do not take this component.
    ComponentRefused = "W0301", Build;
    /// A component has no such function, or it takes other arguments.
    ComponentCall = "W0302", Usage;
    /// The manifest of a service is malformed or does not fit its component.
    ManifestInvalid = "W0303", Build;
    /// Components cannot be composed.
    CannotLink = "W0304", Build;
    /// There is something where a new project is to be made.
    ProjectExists = "W0320", Conflict;
    /// A folder has nothing that says how it is built.
    NothingToBuild = "W0321", NotFound;
    /// A compiler or another tool is not installed.
    ToolMissing = "W0322", Configuration;
    /// A tool failed, or made nothing.
    BuildFailed = "W0323", Build;
    /// The WIT of a project cannot be read.
    WitInvalid = "W0324", Build;
    /// A core module cannot be made into a component.
    NotAComponent = "W0325", Build;
    /// The manifest of a service cannot be understood.
    ManifestMalformed = "W0326", Configuration;
    /// The particle's time ran out.
    Deadline = "W0401", Network;
    /// `--timeout` ran out.
    TimedOut = "W0402", Timeout;
    /// The function answered with an error.
    FunctionFailed = "W0403", FunctionFailed;
    /// A policy's condition cannot be met any more.
    PolicyUnmet = "W0404", NotVerified;
    /// No such policy.
    NoSuchPolicy = "W0405", NotFound;
    /// The service runs nowhere.
    NoSuchService = "W0406", NotFound;
    /// A peer refused the particle.
    Refused = "W0407", Network;
    /// Ctrl-C.
    Interrupted = "W0408", Interrupted;
    /// No network belongs to this folder, or to the context.
    NoNetwork = "W0501", NotFound;
    /// The network does not answer.
    NetworkDown = "W0502", Network;
    /// Another `weir up` holds the folder.
    NetworkRunning = "W0503", Conflict;
    /// The network could not be started.
    NetworkFailed = "W0504", Network;
    /// A key file is missing, damaged, or readable by others.
    KeyUnusable = "W0505", NotAllowed;
    /// All seats for commands are taken.
    TooManyCommands = "W0506", Conflict;
    /// The file that says what services may do outside is not usable.
    EffectsUnusable = "W0507", Configuration;
    /// The chain does not answer.
    ChainUnreachable = "W0601", Network;
    /// The chain or a contract refuses.
    ChainRefused = "W0602", FunctionFailed;
    /// The network has no chain.
    NoChain = "W0603", NotFound;
    /// There is no context of this name.
    NoSuchContext = "W0611", NotFound;
    /// The account is no provider.
    NotAProvider = "W0612", NotFound;
    /// Another command sends from the account.
    AccountBusy = "W0613", Conflict;
    /// There is no deal of this number.
    NoSuchDeal = "W0614", NotFound;
    /// A `provider.toml` cannot be used.
    ProviderFile = "W0615", Configuration;
    /// What is to be deployed makes no package.
    PackageUnusable = "W0621", Configuration;
    /// Too few peers match.
    TooFewPeers = "W0622", NotFound;
    /// Workers that were chosen do not serve.
    NotServed = "W0623", Network;
    /// A deal cannot be changed so, or not now.
    Unchangeable = "W0624", Conflict;
    /// An audit found an entry that does not hold.
    TraceInvalid = "W0801", NotVerified;
    /// A trace file is not an export.
    TraceUnreadable = "W0802", NotVerified;
    /// No particle of this id is kept here.
    NoSuchTrace = "W0803", NotFound;
    /// An id prefix fits several particles.
    AmbiguousTrace = "W0804", Usage;
    /// A call does not do what its receipt says.
    ReceiptRefuted = "W0811", NotVerified;
    /// Evidence cannot be read, or is not what its receipt is about.
    EvidenceUnreadable = "W0812", NotVerified;
    /// A call could not be executed again here.
    ReceiptUndecided = "W0813", Internal;
    /// A peer does not give the evidence of its receipt.
    NoEvidence = "W0814", NotFound;
}

impl Code {
    /// The code spelled so, in any case, with or without the `W`.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let wanted = text.trim().to_ascii_uppercase();
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.text() == wanted || code.text().trim_start_matches('W') == wanted)
    }

    /// The first line of the page, without its mark.
    pub(crate) fn title(self) -> &'static str {
        self.page()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("# ")
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_page_has_a_title_a_cause_an_example_and_a_fix() {
        for code in Code::ALL {
            let page = code.page();
            assert!(
                page.starts_with(&format!("# {}: ", code.text())),
                "{} has another title",
                code.text()
            );
            for section in ["\n## Cause\n", "\n## Example\n", "\n## Fix\n"] {
                assert!(page.contains(section), "{}{section}", code.text());
            }
        }
    }

    #[test]
    fn every_diagnostic_of_air_has_a_page() {
        let source = include_str!("../../air/src/diagnostic/codes.rs");
        let codes: Vec<&str> = source
            .split('"')
            .filter(|text| text.starts_with('W'))
            .collect();
        assert!(codes.len() > 10, "{codes:?}");
        for code in codes {
            assert!(Code::named(code).is_some(), "{code} has no page");
        }
    }

    #[test]
    fn every_diagnostic_of_aqua_has_a_page() {
        let source = include_str!("../../aqua/src/diagnostic/codes.rs");
        let codes: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() > 30, "{codes:?}");
        for code in codes {
            assert!(Code::named(code).is_some(), "{code} has no page");
        }
    }

    #[test]
    fn every_page_belongs_to_a_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/explain");
        for entry in std::fs::read_dir(folder).expect("the pages stand beside the sources") {
            let name = entry.expect("a readable folder").file_name();
            let name = name.to_string_lossy();
            assert!(
                Code::named(name.trim_end_matches(".md")).is_some(),
                "{name} explains nothing"
            );
        }
    }

    #[test]
    fn codes_are_ordered_and_unique() {
        let texts: Vec<_> = Code::ALL.iter().map(|code| code.text()).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "{texts:?}");
    }

    #[test]
    fn a_code_is_found_in_any_spelling() {
        for text in ["W0401", "w0401", "0401"] {
            assert_eq!(Code::named(text), Some(Code::Deadline));
        }
        assert_eq!(Code::named("W9999"), None);
    }
}
