import { loadavg } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runScript } from '../stack/run-script.ts';
import { circumstances, place, type Row, table, write } from './report.ts';
import { demo } from './demo.ts';
import { histories } from './histories.ts';
import { hostile } from './hostile.ts';
import { idle } from './idle.ts';
import { publish } from './publish.ts';
import { statements } from './statements.ts';
import { sync } from './sync.ts';
import { tokens } from './tokens.ts';
import { upload } from './upload.ts';
import { kill } from './webhook-kill.ts';
import { webhooks } from './webhooks.ts';

/*
 * `npm run bench [-- NAME ...] [-- --write]`: measures the performance that design and docs promise, each value beside
 * its floor, and prints Markdown tables. `--write` puts them into docs/performance.md.
 */

type Bench = (say: (line: string) => void) => Promise<Row[]>;
const BENCHES: Readonly<Record<string, Bench>> = {
  webhooks,
  kill,
  publish,
  histories,
  statements,
  tokens,
  sync,
  idle,
  upload,
  hostile,
  demo,
};

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0)
  throw new Error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);

// Fails before minutes are spent.
if (values.write) for (const name of Object.keys(BENCHES)) place(name);

const since = Date.now();
const say = (line: string): void =>
  void process.stderr.write(`${String(Math.round((Date.now() - since) / 1000)).padStart(5)} s  ${line}\n`);

await runScript(130, async () => {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const [load = 0] = loadavg();
    say(`${name}: load average ${load.toFixed(1)}`);
    const rows = await bench((line) => say(`${name}: ${line}`));
    const text = `${table(rows)}\n\n${circumstances(`npm run bench -- ${name}`, load)}`;
    process.stdout.write(`\n## ${name}\n\n${text}\n\n`);
    if (values.write) write(name, text);
  }
});
