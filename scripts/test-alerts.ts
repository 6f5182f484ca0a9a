import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { environment } from '../stack/environment.ts';
import { run } from '../stack/run.ts';

/**
 * `npm run test:alerts`: checks and tests the Prometheus rules in ops/ with promtool, from the PATH or from Debian 12,
 * fetched once. apt works in a separate folder: nothing is installed, and root is not needed.
 */
const OPS = fileURLToPath(new URL('../ops', import.meta.url));
const PACKAGE = 'prometheus=2.42.0+ds-5+deb12u1';
const SHA256 = '81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55'; // amd64

const promtool = await findPromtool();
const files = readdirSync(OPS);
for (const [command, ending] of [
  ['check', '.rules.yml'],
  ['test', '.test.yml'],
] as const) {
  const wanted = files.filter((name) => name.endsWith(ending));
  console.log(await run([promtool, command, 'rules', ...wanted], { cwd: OPS }));
}

async function findPromtool(): Promise<string> {
  if (await run(['promtool', '--version']).catch(() => null)) return 'promtool';
  const cache = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'everpost');
  const kept = join(cache, `promtool-${SHA256.slice(0, 16)}`);
  if (existsSync(kept)) return kept;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, 'download-'));
  try {
    renameSync(await download(folder), kept);
  } catch (error) {
    console.error(
      'promtool could not be fetched: install it (it comes with Prometheus), and have it on the PATH',
    );
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return kept;
}

/** @returns the path of the program */
async function download(folder: string): Promise<string> {
  for (const name of ['lists/partial', 'archives/partial'])
    mkdirSync(join(folder, name), { recursive: true });
  const apt = [
    'apt-get',
    '--quiet=2',
    `--option=Dir::State::lists=${join(folder, 'lists')}`,
    `--option=Dir::Cache=${folder}`,
    `--option=APT::Sandbox::User=${process.getuid?.() === 0 ? 'root' : ''}`,
  ];
  await run([...apt, 'update']);
  await run([...apt, 'download', PACKAGE], { cwd: folder });
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.deb'));
  const sum = createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
  if (sum !== SHA256) throw new Error(`${name} has the SHA-256 ${sum}, not ${SHA256}`);
  await run(['dpkg-deb', '--extract', join(folder, name), join(folder, 'package')]);
  return join(folder, 'package/usr/bin/promtool');
}
