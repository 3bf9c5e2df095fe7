#!/usr/bin/env node
// Writes `artifacts/*.json` from what `forge build` left in `out/`; with `--check` it compares instead.
const fs = require('fs');
const path = require('path');

const root = path.dirname(__dirname);
const CONTRACTS = [
  'Params', 'Registry', 'Capacity', 'Market', 'MarketDesk', 'Audit', 'Lens', 'DevBeacon', 'DevDeployment', 'TestToken',
];

function built(name) {
  const file = path.join(root, 'out', `${name}.sol`, `${name}.json`);
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

// The market answers at one address for both of its halves.
function abi(name) {
  const own = built(name).abi;
  if (name !== 'Market') return own;
  const seen = new Set(own.map((item) => JSON.stringify(item)));
  const desk = built('MarketDesk').abi.filter((item) => item.type !== 'constructor' && !seen.has(JSON.stringify(item)));
  return own.filter((item) => item.type !== 'fallback').concat(desk);
}

const check = process.argv.includes('--check');
const different = [];
for (const name of CONTRACTS) {
  const artifact = { contractName: name, abi: abi(name), bytecode: built(name).bytecode.object };
  const text = `${JSON.stringify(artifact, null, 1)}\n`;
  const file = path.join(root, 'artifacts', `${name}.json`);
  if (!check) fs.writeFileSync(file, text);
  else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) different.push(name);
}
if (different.length > 0) {
  console.error(`artifacts differ from the sources: ${different.join(', ')}; write them with cargo xtask contracts`);
  process.exit(1);
}
