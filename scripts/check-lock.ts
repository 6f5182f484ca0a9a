import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * `npm run check:lock`: fails if npm 10, which comes with Node.js 20 and 22, could not install package-lock.json. npm
 * 11 skips entries that no package asks for (`extraneous`); npm 10 installs them, even those for other systems.
 * `esbuild` is among our own dependencies for the same reason: vite wants it as an optional peer, in another version
 * than drizzle-kit, and npm 10 and npm up to 11.6 (Node.js 24's own) refuse a lock file without an entry for that
 * version.
 */
interface Entry {
  extraneous?: boolean;
  optional?: boolean;
  os?: readonly string[];
  cpu?: readonly string[];
}

const file = process.argv[2] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url));
const { packages }: { packages: Readonly<Record<string, Entry>> } = JSON.parse(readFileSync(file, 'utf8'));
const wrong = Object.entries(packages).flatMap(([name, { extraneous, optional, os, cpu }]) => {
  if (extraneous === true) return [`${name} is extraneous`];
  const isForSomeSystems = os !== undefined || cpu !== undefined;
  return isForSomeSystems && optional !== true ? [`${name} is for some systems only, but not optional`] : [];
});
if (wrong.length > 0) {
  console.error(`npm 10 cannot install ${file}:\n${wrong.map((line) => `  - ${line}`).join('\n')}`);
  console.error('Run "npm install --package-lock-only" and commit package-lock.json.');
  process.exitCode = 1;
}
