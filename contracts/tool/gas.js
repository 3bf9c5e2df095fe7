#!/usr/bin/env node
// Writes `gas.json`, what each operation costs, from what `forge test` measured; with `--check` it compares instead.
const fs = require('fs');
const path = require('path');

const root = path.dirname(__dirname);
const file = path.join(root, 'gas.json');
const measuredFile = path.join(root, 'cache', 'snapshots', 'gas.json');

function read(name) {
  return fs.existsSync(name) ? JSON.parse(fs.readFileSync(name, 'utf8')) : {};
}

const measured = {};
for (const [name, gas] of Object.entries(read(measuredFile))) measured[name] = Number(gas);
if (Object.keys(measured).length === 0) {
  console.error('there are no measured costs of gas; forge test writes them when it runs test/Gas.t.sol');
  process.exit(1);
}
if (!process.argv.includes('--check')) {
  const sorted = Object.fromEntries(Object.entries(measured).sort(([a], [b]) => (a < b ? -1 : 1)));
  fs.writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`);
  process.exit(0);
}
const written = read(file);
const names = new Set([...Object.keys(written), ...Object.keys(measured)]);
const different = [...names].filter((name) => written[name] !== measured[name]).sort();
for (const name of different) {
  const [was, is] = [written[name], measured[name]];
  const change = was && is ? ` (${is > was ? '+' : ''}${(((is - was) / was) * 100).toFixed(2)} %)` : '';
  console.error(`  ${name}: ${was ?? 'not written'} -> ${is ?? 'not measured'}${change}`);
}
if (different.length > 0) {
  console.error('costs of gas differ from contracts/gas.json; if that is meant, write it with cargo xtask contracts');
  process.exit(1);
}
