import { parseArgs } from 'node:util';
import { ConfigError, readConfig, type ConfigParts } from '../config.ts';
import { findInstallationId } from '../db/installation.ts';
import { examined, failure, ok, warning, type Check, type Finding } from './doctor/check.ts';
import { askDatabase } from './doctor/connection.ts';
import { examineDatabase } from './doctor/database.ts';
import { examineKeys } from './doctor/keys.ts';
import { examineMedia } from './doctor/media.ts';
import { examineTemporal } from './doctor/temporal.ts';

/**
 * `npm run doctor [-- --role worker]`: checks an installation with the settings of this environment, and says for each
 * part what to do. Ends with 1 if something must be fixed.
 */
const role = askedRole();

const MARKS = { ok: 'ok      ', warning: 'warning ', failure: 'FAILURE ' } as const;
const UNREADABLE = 'not examined: fix the settings first';

const { findings: ofSettings, parts } = settings();
const { databaseUrl, temporal, mediaUrl, keyring } = parts;
/** The installation's id; null if there is none yet, or if the findings about the database say why. */
const installation =
  databaseUrl === undefined
    ? Promise.resolve(null)
    : askDatabase(databaseUrl, findInstallationId).catch(() => null);
const unreadable = async (): Promise<Finding[]> => [failure(UNREADABLE)];

const checks: readonly Check[] = [
  { subject: 'settings', examine: async () => ofSettings },
  {
    subject: 'database',
    examine: databaseUrl === undefined ? unreadable : () => examineDatabase(databaseUrl),
  },
  {
    subject: 'temporal',
    examine: temporal === undefined ? unreadable : () => examineTemporal(temporal, installation),
  },
  {
    subject: 'media',
    examine: mediaUrl === undefined ? unreadable : () => examineMedia(mediaUrl, databaseUrl),
  },
  {
    subject: 'keys',
    examine:
      databaseUrl === undefined || keyring === undefined
        ? unreadable
        : () => examineKeys(databaseUrl, keyring),
  },
];

const found = await Promise.all(checks.map((check) => examined(check)));
for (const [index, { subject }] of checks.entries())
  for (const { grade, text } of found[index] ?? []) console.log(`${MARKS[grade]}${subject}: ${text}`);
const failures = found.flat().filter(({ grade }) => grade === 'failure').length;
console.log(
  failures === 0
    ? '\nEverpost can run.'
    : `\n${failures} ${failures === 1 ? 'problem' : 'problems'} to fix before Everpost can run.`,
);
// A dead part may still be trying to connect.
process.exit(failures === 0 ? 0 : 1);

function askedRole(): 'server' | 'worker' {
  try {
    const { role: asked } = parseArgs({ options: { role: { type: 'string', default: 'server' } } }).values;
    if (asked === 'server' || asked === 'worker') return asked;
  } catch {
    // The sentence is the same.
  }
  console.log('Usage: npm run doctor [-- --role server|worker]');
  process.exit(2);
}

/** The problems of the settings, and the valid ones. */
function settings(): { findings: Finding[]; parts: ConfigParts } {
  try {
    const config = readConfig(role);
    const names = Object.keys(config.providers).join(', ') || 'no platform, so nothing can be connected';
    const complete = ok(`complete for a ${role}; configured: ${names}`);
    return { findings: [complete, ...config.warnings.map((text) => warning(text))], parts: config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { findings: error.problems.map((text) => failure(text)), parts: error.parts };
  }
}
