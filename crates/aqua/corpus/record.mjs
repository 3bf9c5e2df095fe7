// Records what the legacy compiler and interpreter do with the programs of this folder: reference.jsonl.
//
//   REFERENCE=DIR          the folder of the reference, with avm.mjs (its README says which npm packages it needs)
//   REFERENCE_MODULES=DIR  the node_modules that hold these packages
//   node record.mjs                     all programs, into reference.jsonl
//   node record.mjs PROGRAM.aqua [func] these only, printed
//
// Each exported function runs on a simulated network of the peers init, relay, a, b and c. Arguments and the results of
// exported services with a default id are made from their types. Lines of a program that begin so change that:
//
//   -- mock SERVICE.FUNCTION JSON       this is the answer; PEER/SERVICE.FUNCTION on that peer only
//   -- fail SERVICE.FUNCTION JSON       this is the error
//   -- call FUNCTION JSON-OBJECT        one more run of the function, with these arguments for those made from types
//   -- defect FUNCTION WORDS            the reference is wrong here; the row gets the words as its field `defect`
//
// A row: file, func, args; `services`, all mocks, as in a case of `weir sim run` (with `init`, `peers` and `echo` it is one
// when `air` is added); `seen`, the calls that remain when those of getDataSrv and errorHandlingSrv are left out, sorted;
// `error`, the error objects that reached the client; `stable`, whether three other orders of delivery give the same
// calls and errors; `airBytes`, the length of the script that the reference made, as printed; `airMinified`, its length after
// `weir_air::minify`, added afterwards; `hops`, the number of
// places in it that do nothing but bring the particle to a peer.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.REFERENCE_MODULES ?? 'node_modules');
const load = (path) => import(pathToFileURL(path).href);
const { compileFromPath } = await load(join(modules, '@fluencelabs/aqua-api/index.js'));
const { run } = await load(join(resolve(process.env.REFERENCE ?? '.'), 'avm.mjs'));

const INIT = 'init';
const PEERS = ['relay', 'a', 'b', 'c'];
const ORDERS = [1, 2, 3];
const STEPS_MAX = 400;
// Wrong programs, and those that only Weir accepts.
const NOT_RECORDED = ['accepted', 'errors'];

// The package lists its fields under mangled names.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name.replace(/^L.*__f_/, ''), plain(field)]));
}

// Makes values from types: strings are peers in turn, integers 2 and 3 in turn.
class Samples {
  count = 0;

  of(type) {
    switch (type.tag) {
      case 'scalar':
        return this.scalar(type.name);
      case 'topType':
        return '@a';
      case 'array':
        return [this.of(type.type), this.of(type.type)];
      case 'option':
        return [this.of(type.type)];
      case 'struct':
      case 'labeledProduct':
        return Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, this.of(field)]));
      case 'unlabeledProduct': {
        const items = type.items.map((item) => this.of(item));
        return items.length > 1 ? items : items[0] ?? null;
      }
      default:
        return null;
    }
  }

  scalar(name) {
    if (name === 'string') return ['@a', '@b', '@c'][this.count++ % 3];
    if (name === 'bool') return true;
    if (name === 'f32' || name === 'f64') return 1.5;
    return 2 + (this.count++ % 2);
  }
}

function answer(type) {
  return { ok: new Samples().of(type) ?? {} };
}

// The lines of a program that speak to this script.
function directives(text) {
  const found = { mocks: {}, calls: [], defects: {} };
  for (const [, word, name, rest] of text.matchAll(/^ *-- (mock|fail|call|defect) (\S+) (.+)$/gm)) {
    if (word === 'mock') found.mocks[name] = { ok: JSON.parse(rest) };
    if (word === 'fail') found.mocks[name] = { err: JSON.parse(rest), code: 1 };
    if (word === 'call') found.calls.push({ func: name, args: JSON.parse(rest) });
    if (word === 'defect') found.defects[name] = rest;
  }
  return found;
}

function runsOf(func, definition, asked) {
  const args = {};
  const callbacks = {};
  const samples = new Samples();
  for (const [name, type] of Object.entries(definition.arrow.domain.fields ?? {})) {
    if (type.tag === 'arrow') callbacks[`callbackSrv.${name}`] = answer(type.codomain);
    else args[name] = samples.of(type);
  }
  const more = asked.filter((call) => call.func === func).map((call) => ({ ...args, ...call.args }));
  return [args, ...more].map((args) => ({ args, callbacks }));
}

const order = (a, b) => (a < b ? -1 : Number(a > b));
const sorted = (calls) => calls.map((call) => JSON.stringify(call)).sort(order).map((call) => JSON.parse(call));

async function watch(air, services, schedule) {
  const result = await run({ air, init: INIT, peers: PEERS, mocks: services, schedule, limit: STEPS_MAX });
  const calls = result.calls.map(({ peer, call, args }) => ({ peer, call, args }));
  const of = (service) => (call) => call.call.startsWith(`${service}.`);
  return {
    seen: sorted(calls.filter((call) => !of('getDataSrv')(call) && !of('errorHandlingSrv')(call))),
    error: calls.filter(of('errorHandlingSrv')).map((call) => call.args[0]),
    broken: result.errors,
    pending: result.pending,
  };
}

async function record(path, only) {
  const file = relative(here, path).replaceAll('\\', '/');
  const { functions, services: found, errors } = await compileFromPath({
    filePath: path,
    targetType: 'air',
    imports: { '/': { '': [modules] } },
    constants: [],
    logLevel: 'info',
    noXor: false,
    noRelay: false,
  });
  if (errors.length > 0) throw new Error(`${file}\n${errors.join('\n')}`);
  const { mocks, calls, defects } = directives(readFileSync(path, 'utf8'));
  const services = {};
  for (const { defaultServiceId: id, functions: methods } of Object.values(plain(found))) {
    if (id === undefined) continue;
    for (const [name, type] of Object.entries(methods.fields ?? {})) services[`${id}.${name}`] = answer(type.codomain);
  }
  const rows = [];
  for (const [func, compiled] of Object.entries(functions).sort((a, b) => order(a[0], b[0]))) {
    if (only !== undefined && only !== func) continue;
    for (const { args, callbacks } of runsOf(func, plain(compiled.funcDef), calls)) {
      const data = Object.fromEntries(Object.entries(args).map(([name, ok]) => [`getDataSrv.${name}`, { ok }]));
      const all = { ...services, ...callbacks, 'callbackSrv.response': { ok: {} }, ...mocks };
      Object.assign(all, { 'getDataSrv.-relay-': { ok: '@relay' } }, data);
      const { seen, error, broken, pending } = await watch(compiled.script, all);
      const defect = defects[func];
      if ((broken.length > 0 || pending > 0) && defect === undefined) {
        throw new Error(`${file} ${func}: ${JSON.stringify({ broken, pending })}`);
      }
      let stable = true;
      for (const schedule of ORDERS) {
        const other = await watch(compiled.script, all, schedule);
        stable &&= JSON.stringify([seen, error]) === JSON.stringify([other.seen, other.error]);
      }
      const hops = compiled.script.match(/\(canon \S+ \$-hop-\S* /g)?.length ?? 0;
      rows.push({
        file, func, args, init: INIT, peers: PEERS, services: all, echo: true,
        seen, error, stable, defect, airBytes: compiled.script.length, hops,
      });
    }
  }
  return rows;
}

function programs(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NOT_RECORDED.includes(entry.name))
    .sort((a, b) => order(a.name, b.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return programs(path);
      return path.endsWith('.aqua') ? [path] : [];
    });
}

const [file, only] = process.argv.slice(2);
const failures = [];
const lines = [];
for (const path of file === undefined ? programs(here) : [resolve(file)]) {
  try {
    for (const row of await record(path, only)) {
      lines.push(JSON.stringify(row));
      if (file !== undefined) console.log(JSON.stringify(row, null, 1));
      if (!row.stable) console.error(`${row.file} ${row.func}: depends on the order of delivery`);
    }
  } catch (error) {
    failures.push(path);
    console.error(String(error.message).replace(/\x1b\[[0-9;]*m/g, ''));
  }
}
if (file === undefined) writeFileSync(join(here, 'reference.jsonl'), lines.map((line) => `${line}\n`).join(''));
console.error(`${lines.length} runs, ${failures.length} programs that did not compile or broke`);
process.exitCode = failures.length > 0 ? 1 : 0;
