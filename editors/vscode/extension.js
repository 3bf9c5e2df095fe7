// Starts `weir lsp` when the first Aqua file is opened.

const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async function () {
  const settings = workspace.getConfiguration("aqua");
  client = new LanguageClient(
    "aqua",
    "Aqua",
    { command: settings.get("weir"), args: ["lsp"] },
    {
      documentSelector: [{ language: "aqua" }],
      initializationOptions: { imports: settings.get("imports") },
    },
  );
  await client.start();
};

exports.deactivate = function () {
  return client?.stop();
};
