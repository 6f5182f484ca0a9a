import { existsSync } from 'node:fs';

/*
 * Loaded before everything else (`node --import`), in JavaScript that old versions understand: says what is missing, where
 * Node.js would only say that it does not know the ending .ts, or a package.
 */
const [major = 0] = process.versions.node.split('.').map(Number);
const isInstalled = existsSync(new URL('node_modules/fastify/package.json', import.meta.url));
if (!isInstalled) end('The packages are not installed. Run: npm ci');
if (major < 24)
  end(
    `This is Node.js ${process.versions.node}, and Everpost needs Node.js 24. "npm ci" installs one for "npm run", but not with ` +
      '--omit=dev or --ignore-scripts. In production put Node.js 24 on PATH (node -v shows which is there). ' +
      'To try Everpost run: npm ci --include=dev --ignore-scripts=false',
  );

function end(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
