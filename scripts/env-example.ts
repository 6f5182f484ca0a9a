import { SETTINGS } from '../config.ts';

/** `node scripts/env-example.ts > .env.example`: every setting with its meaning and its default, in comments. */

interface Line {
  name: string;
  aliases?: readonly string[];
  fallback: string;
  about: string;
}

/** Read by @temporalio/envconfig. Unlike ours, an empty one of these counts as set. */
const TEMPORAL: readonly Line[] = [
  { name: 'TEMPORAL_ADDRESS', fallback: 'localhost:7233', about: 'Temporal server.' },
  { name: 'TEMPORAL_NAMESPACE', fallback: 'default', about: 'Namespace of all workflows.' },
  { name: 'TEMPORAL_API_KEY', fallback: '', about: 'API key of Temporal Cloud; switches TLS on.' },
  { name: 'TEMPORAL_TLS', fallback: '', about: 'true or false: whether to speak TLS.' },
  { name: 'TEMPORAL_TLS_SERVER_NAME', fallback: '', about: 'Name that the server’s certificate must bear.' },
  {
    name: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    fallback: '',
    about: 'Certificates to trust; ..._CERT_DATA: their PEM text instead.',
  },
  {
    name: 'TEMPORAL_TLS_CLIENT_CERT_PATH',
    fallback: '',
    about: 'Our certificate, for mutual TLS; ..._CERT_DATA: its PEM text instead.',
  },
  {
    name: 'TEMPORAL_TLS_CLIENT_KEY_PATH',
    fallback: '',
    about: 'Key of our certificate; ..._KEY_DATA: its PEM text instead.',
  },
  {
    name: 'TEMPORAL_CONFIG_FILE',
    fallback: '',
    about: 'TOML file with all of these; the one of the temporal CLI without it.',
  },
  { name: 'TEMPORAL_PROFILE', fallback: 'default', about: 'Profile of that file.' },
];

const HEADER = `# Settings of Everpost, with their defaults. Take the # away from what you change. Each can be given by file: NAME_FILE=/path.
# Written by \`node scripts/env-example.ts > .env.example\`; edit config.ts instead.`;

function describe({ name, aliases, fallback, about }: Line): string {
  const also = aliases === undefined ? '' : ` Also read from ${aliases.join(', ')}.`;
  return `# ${about}${also}\n#${name}=${fallback}`;
}

const lines: readonly Line[] = [...SETTINGS, ...TEMPORAL];
process.stdout.write(`${[HEADER, ...lines.map(describe)].join('\n\n')}\n`);
