import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, databaseUrl, readConfig, SETTINGS, type Environment } from '../config.ts';
import { run } from '../stack/run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEY = randomBytes(32).toString('base64');
const SMALLEST: Environment = {
  DATABASE_URL: 'postgres://everpost:pw@127.0.0.1:5432/everpost',
  EVERPOST_KEYRING: `k1:${KEY}`,
  EVERPOST_ADMIN_KEY: 'an-admin-key-of-enough-characters',
};
const TIKTOK: Environment = {
  TIKTOK_CLIENT_KEY: 'ck',
  TIKTOK_CLIENT_SECRET: 'cs',
  NEXT_PUBLIC_TIKTOK_REDIRECT_URI: 'https://posts.example.com/api/auth/tiktok/callback',
};

const secret = (): string => `s3cret:${randomBytes(12).toString('hex')}`;

/** The problems of invalid settings. */
function problemsOf(env: Environment, role: 'server' | 'worker' = 'server'): readonly string[] {
  try {
    readConfig(role, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('these settings were accepted');
}

/** The settings that the problems start with. */
const named = (problems: readonly string[]): string[] =>
  problems.map((problem) => problem.split(/[ :]/)[0] ?? '');

test('the minimal settings, and the defaults of the others', () => {
  expect(readConfig('server', SMALLEST)).toMatchObject({
    dir: resolve('.everpost'),
    databaseUrl: SMALLEST['DATABASE_URL'],
    port: 3000,
    host: '127.0.0.1',
    publicUrl: 'http://127.0.0.1:3000',
    adminKey: SMALLEST['EVERPOST_ADMIN_KEY'],
    allowPrivateUrls: false,
    mediaUrl: `file:${resolve('.everpost')}/media`,
    logLevel: 'info',
    providers: {},
  });
});

test('a worker needs no admin key and does not keep one', () => {
  const { EVERPOST_ADMIN_KEY: _key, ...withoutKey } = SMALLEST;
  expect(readConfig('worker', withoutKey).adminKey).toBe('');
  expect(readConfig('worker', SMALLEST).adminKey).toBe('');
  expect(named(problemsOf(withoutKey))).toEqual(['EVERPOST_ADMIN_KEY']);
});

test.each([
  ['31 characters', 'a'.repeat(31)],
  ['a space, which no bearer can have', `${'a'.repeat(20)} ${'b'.repeat(20)}`],
  ['characters that no header can have', 'ü'.repeat(40)],
])('an admin key of %s is refused at startup', (_what, key) => {
  const problems = problemsOf({ ...SMALLEST, EVERPOST_ADMIN_KEY: key });
  expect(named(problems)).toEqual(['EVERPOST_ADMIN_KEY']);
  expect(problems[0]).toContain('at least 32 characters');
  expect(problems[0]).not.toContain(key);
  expect(readConfig('server', { ...SMALLEST, EVERPOST_ADMIN_KEY: 'a'.repeat(32) }).adminKey).toHaveLength(32);
});

test('one message names every problem, and no value', () => {
  const bad = {
    DATABASE_URL: `mysql://root:${secret()}@db/x`,
    PORT: secret(),
    EVERPOST_PUBLIC_URL: `https://user:${secret()}@example.com`,
    EVERPOST_KEYRING: `k1:${secret()},${secret()}`,
    EVERPOST_ADMIN_KEY: 's3cret:short',
    EVERPOST_ALLOW_PRIVATE_URLS: secret(),
    EVERPOST_MEDIA: secret(),
    LOG_LEVEL: secret(),
    TIKTOK_CLIENT_SECRET: secret(),
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: `http://example.com/?s=${secret()}`,
    TIKTOK_AUTH_URL: secret(),
    TIKTOK_API_URL: `https://example.com/?token=${secret()}`,
    TIKTOK_UPLOAD_HOSTS: `https://${secret()}`,
  };
  const problems = problemsOf(bad);
  // The client secret is set, so the missing setting is the client key.
  const { TIKTOK_CLIENT_SECRET: _set, ...refused } = bad;
  expect(new Set(named(problems))).toEqual(new Set([...Object.keys(refused), 'TIKTOK_CLIENT_KEY']));
  const { message } = new ConfigError(problems);
  for (const problem of problems) expect(message).toContain(problem);
  expect(message).not.toContain('s3cret');
});

test.each<[string, string]>([
  ['nothing', ''],
  ['a key without id', KEY],
  ['a short key', 'k1:c2hvcnQ='],
  ['no base64', `k1:${'*'.repeat(44)}`],
  ['the same id twice', `k1:${KEY},k1:${KEY}`],
])('a keyring of %s is refused without being quoted', (_what, keyring) => {
  const problems = problemsOf({ ...SMALLEST, EVERPOST_KEYRING: keyring });
  expect(named(problems)).toEqual(['EVERPOST_KEYRING']);
  expect(problems.join()).not.toContain(KEY);
});

test.each<[string, string]>([
  ['DATABASE_URL', 'http://127.0.0.1/everpost'],
  ['DATABASE_URL', 'postgres://'],
  ['EVERPOST_PUBLIC_URL', 'example.com'],
  ['EVERPOST_PUBLIC_URL', 'ftp://example.com'],
  ['EVERPOST_PUBLIC_URL', 'https://user@example.com'],
  ['EVERPOST_PUBLIC_URL', 'https://:password@example.com'],
  ['EVERPOST_PUBLIC_URL', 'https://example.com/?a=b'],
  ['EVERPOST_PUBLIC_URL', 'https://example.com/#a'],
  ['TIKTOK_API_URL', 'open.tiktokapis.com'],
  ['TIKTOK_AUTH_URL', 'file:///etc/passwd'],
  ['TIKTOK_UPLOAD_HOSTS', 'https://upload.tiktokapis.com'],
  ['TIKTOK_UPLOAD_HOSTS', 'a.example.com, *'],
  ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI', 'http://posts.example.com/callback'],
  ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI', 'https://posts.example.com/callback?a=b'],
  ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI', 'https://posts.example.com/callback#x'],
  ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI', `https://posts.example.com/${'x'.repeat(500)}`],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80.5'],
  ['EVERPOST_ALLOW_PRIVATE_URLS', 'yes'],
  ['EVERPOST_SYNC', 'true'],
  ['EVERPOST_MEDIA', 'https://bucket.example.com'],
  ['EVERPOST_MEDIA', 's3://bucket/media'],
  ['EVERPOST_MEDIA', 'file:'],
  ['EVERPOST_MEDIA', 'file://host/media'],
  ['EVERPOST_MEDIA', `file:${ROOT}package.json`],
  ['EVERPOST_MEDIA', `file:${ROOT}package.json/media`],
  ['EVERPOST_DIR', `${ROOT}package.json`],
  ['EVERPOST_DIR', `${ROOT}package.json/state`],
  ['HOST', 'http://0.0.0.0'],
  ['HOST', 'localhost:3000'],
  ['HOST', 'a host'],
  ['TEMPORAL_ADDRESS', 'http://temporal:7233'],
  ['TEMPORAL_ADDRESS', 'temporal:port'],
  ['TEMPORAL_ADDRESS', 'temporal:99999'],
  ['TEMPORAL_TLS', 'yes'],
  ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'on'],
  ['TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml'],
  ['TEMPORAL_CONFIG_FILE', `${ROOT}README.md`],
  ['TEMPORAL_PROFILE', 'nobody'],
  ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', '/nowhere/ca.pem'],
  ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', `${ROOT}README.md`],
  ['TEMPORAL_TLS_SERVER_CA_CERT_DATA', 'no certificate'],
  ['LOG_LEVEL', 'loud'],
])('%s=%s is refused', (name, value) => {
  const problems = problemsOf({ ...SMALLEST, ...TIKTOK, TEMPORAL_CONFIG_FILE: '', [name]: value });
  expect(problems).toEqual([expect.stringContaining(name)]);
});

test('an empty or blank setting counts as unset', () => {
  expect(readConfig('server', { ...SMALLEST, PORT: ' ', LOG_LEVEL: '' })).toMatchObject({
    port: 3000,
    logLevel: 'info',
  });
  expect(named(problemsOf({ ...SMALLEST, DATABASE_URL: '  ' }))).toEqual(['DATABASE_URL']);
});

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['::1', '[::1]'],
  ['posts.internal', 'posts.internal'],
])('links to a server that listens on %s start with %s', (host, linked) => {
  const { publicUrl } = readConfig('server', { ...SMALLEST, HOST: host, PORT: '8080' });
  expect(publicUrl).toBe(`http://${linked}:8080`);
});

test('a public URL overrides the address, and loses its trailing slash', () => {
  const env = { ...SMALLEST, EVERPOST_PUBLIC_URL: 'https://posts.example.com/' };
  expect(readConfig('server', env).publicUrl).toBe('https://posts.example.com');
});

test('a relative media folder becomes absolute', () => {
  expect(readConfig('worker', { ...SMALLEST, EVERPOST_MEDIA: 'file:media' }).mediaUrl).toBe(
    `file:${resolve('media')}`,
  );
});

test('the first key of the keyring is the active one', () => {
  const { keyring } = readConfig('worker', { ...SMALLEST, EVERPOST_KEYRING: `new:${KEY},old:${KEY}` });
  expect(keyring.activeKeyId).toBe('new');
  expect([...keyring.keys.keys()]).toEqual(['new', 'old']);
});

test('TikTok is configured with all its credentials', () => {
  expect(readConfig('worker', { ...SMALLEST, ...TIKTOK }).providers.tiktok).toEqual({
    clientKey: 'ck',
    clientSecret: 'cs',
    redirectUri: TIKTOK['NEXT_PUBLIC_TIKTOK_REDIRECT_URI'],
    webhookSecrets: ['cs'],
    authUrl: 'https://www.tiktok.com',
    apiUrl: 'https://open.tiktokapis.com',
    uploadHosts: ['*.tiktokapis.com'],
    audited: false,
  });
});

test('several webhook secrets and upload hosts are accepted', () => {
  const env = { TIKTOK_WEBHOOK_SECRET: 'new, old,', TIKTOK_UPLOAD_HOSTS: '127.0.0.1:4010, *.example.com' };
  expect(readConfig('worker', { ...SMALLEST, ...TIKTOK, ...env }).providers.tiktok).toMatchObject({
    webhookSecrets: ['new', 'old'],
    uploadHosts: ['127.0.0.1:4010', '*.example.com'],
  });
});

test.each(Object.keys(TIKTOK))('TikTok without %s is an error', (missing) => {
  expect(named(problemsOf({ ...SMALLEST, ...TIKTOK, [missing]: '' }))).toEqual([missing]);
});

test('a webhook secret alone is also an error', () => {
  expect(named(problemsOf({ ...SMALLEST, TIKTOK_WEBHOOK_SECRET: 'x' }))).toEqual(Object.keys(TIKTOK));
});

test('Instagram needs one of its two logins, each with all its settings', () => {
  const redirectUri = 'https://posts.example.com/api/auth/instagram/callback';
  const facebook: Environment = {
    NEXT_PUBLIC_INSTAGRAM_APP_ID: 'fb',
    INSTAGRAM_APP_SECRET: 'fb secret',
    NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI: redirectUri,
  };
  const login: Environment = {
    INSTAGRAM_LOGIN_APP_ID: 'ig',
    INSTAGRAM_LOGIN_APP_SECRET: 'ig secret',
    INSTAGRAM_LOGIN_REDIRECT_URI: redirectUri,
  };
  const meta = { ...SMALLEST, META_VERIFY_TOKEN: 'v' };
  const read = (env: Environment) => readConfig('worker', { ...meta, ...env }).providers.instagram;
  expect(read({})).toBe(undefined);
  expect(read(facebook)).toMatchObject({ webhookSecrets: ['fb secret'], facebookLogin: { appId: 'fb' } });
  expect(read(facebook)).not.toHaveProperty('instagramLogin');
  expect(read(login)).toEqual({
    webhookSecrets: ['ig secret'],
    appSecrets: ['ig secret'],
    verifyToken: 'v',
    instagramLogin: {
      appId: 'ig',
      appSecret: 'ig secret',
      redirectUri,
      authUrl: 'https://www.instagram.com',
      apiUrl: 'https://api.instagram.com',
      graphUrl: 'https://graph.instagram.com',
    },
  });
  expect(read({ ...facebook, ...login })?.webhookSecrets).toEqual(['fb secret', 'ig secret']);
  expect(read({ ...login, INSTAGRAM_WEBHOOK_SECRET: 'x' })).toMatchObject({
    webhookSecrets: ['x'],
    appSecrets: ['ig secret'],
  });
  for (const missing of Object.keys(login))
    expect(named(problemsOf({ ...meta, ...facebook, ...login, [missing]: '' }))).toEqual([missing]);
  expect(named(problemsOf({ ...meta, INSTAGRAM_WEBHOOK_SECRET: 'x' }))).toEqual(Object.keys(facebook));
  expect(named(problemsOf({ ...SMALLEST, ...login }))).toEqual(['META_VERIFY_TOKEN']);
});

test('aliases of a setting are accepted; its own name wins', () => {
  const { TIKTOK_CLIENT_KEY: _key, NEXT_PUBLIC_TIKTOK_REDIRECT_URI: redirectUri, ...rest } = TIKTOK;
  const aliases = { NEXT_PUBLIC_TIKTOK_CLIENT_KEY: 'public', TIKTOK_REDIRECT_URI: redirectUri };
  const env = { ...SMALLEST, ...rest, ...aliases };
  expect(readConfig('worker', env).providers.tiktok).toMatchObject({ clientKey: 'public', redirectUri });
  expect(readConfig('worker', { ...env, TIKTOK_CLIENT_KEY: 'own' }).providers.tiktok?.clientKey).toBe('own');
});

test('migrations need only the database', () => {
  expect(databaseUrl(SMALLEST)).toBe(SMALLEST['DATABASE_URL']);
  expect(() => databaseUrl({})).toThrow(ConfigError);
});

test('a client certificate without its key is an error, and so is a key without a certificate', () => {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  });
  const problems = problemsOf({ ...SMALLEST, TEMPORAL_TLS_CLIENT_KEY_DATA: privateKey });
  expect(problems).toEqual([expect.stringContaining('belong together')]);
  expect(problemsOf({ ...SMALLEST, TEMPORAL_TLS_CLIENT_CERT_DATA: privateKey })).toEqual([
    expect.stringContaining('must be a certificate'),
    expect.stringContaining('belong together'),
  ]);
});

test('Temporal’s settings are read with the others; an empty setting counts as unset', () => {
  const temporal = { TEMPORAL_ADDRESS: '', TEMPORAL_API_KEY: '', TEMPORAL_TLS: '', TEMPORAL_CONFIG_FILE: '' };
  const { namespace, connectionOptions } = readConfig('worker', { ...SMALLEST, ...temporal }).temporal;
  expect(namespace).toBe('default');
  expect(connectionOptions).toMatchObject({ address: undefined, apiKey: undefined, tls: undefined });
  const cloud = { TEMPORAL_ADDRESS: 'a.tmprl.cloud:7233', TEMPORAL_API_KEY: 'k', TEMPORAL_NAMESPACE: 'n.a' };
  expect(readConfig('worker', { ...SMALLEST, ...temporal, ...cloud }).temporal).toMatchObject({
    namespace: 'n.a',
    connectionOptions: { address: 'a.tmprl.cloud:7233', apiKey: 'k', tls: true },
  });
});

describe('a setting from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'everpost-config-'));
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const { EVERPOST_ADMIN_KEY: adminKey = '', EVERPOST_KEYRING: keyring = '', ...others } = SMALLEST;

  test('is read without the final newline', () => {
    const config = readConfig('server', {
      ...TIKTOK,
      TIKTOK_CLIENT_SECRET: '',
      TIKTOK_CLIENT_SECRET_FILE: file('tiktok', 'from a file\r\n'),
      DATABASE_URL_FILE: file('database', `${SMALLEST['DATABASE_URL']}\n`),
      EVERPOST_ADMIN_KEY_FILE: file('admin', `\uFEFF${adminKey}\n`),
      EVERPOST_KEYRING_FILE: file('keyring', `${keyring}\n`),
      TEMPORAL_CONFIG_FILE: '',
      TEMPORAL_API_KEY_FILE: file('temporal', 'a key\n'),
    });
    expect(config).toMatchObject({ adminKey, databaseUrl: SMALLEST['DATABASE_URL'] });
    expect(config.providers.tiktok?.clientSecret).toBe('from a file');
    expect(config.keyring.activeKeyId).toBe('k1');
    expect(config.temporal.connectionOptions.apiKey).toBe('a key');
    expect(config.warnings).not.toContainEqual(expect.stringContaining('_FILE'));
    expect(databaseUrl({ DATABASE_URL_FILE: join(folder, 'database') })).toBe(SMALLEST['DATABASE_URL']);
  });

  test.each<[string, () => string, string]>([
    ['that does not exist', () => join(folder, 'nothing'), 'does not exist'],
    ['below a file', () => join(file('plain', 'x'), 'secret'), 'does not exist'],
    ['that is a folder', () => folder, 'not a file'],
    ['that never ends', () => '/dev/zero', 'not a file'],
    ['without text', () => file('empty', ' \n'), 'an empty file'],
    ['that is no text', () => file('noise', Buffer.from([0xff, 0xfe, 0x00])), 'not text'],
    ['that is huge', () => file('huge', 'x'.repeat(100_000)), 'more than'],
    ['that is the secret itself', () => adminKey, 'does not exist'],
  ])('a file %s is reported without its value', (_what, path, why) => {
    const problems = problemsOf({ ...others, EVERPOST_KEYRING: keyring, EVERPOST_ADMIN_KEY_FILE: path() });
    expect(problems[0]).toMatch(/^EVERPOST_ADMIN_KEY_FILE names /);
    expect(problems[0]).toContain(why);
    expect(problems.join('\n')).not.toContain(path());
  });

  test('setting both a name and its file is an error', () => {
    const both = { ...SMALLEST, EVERPOST_ADMIN_KEY_FILE: file('both', adminKey) };
    expect(problemsOf(both)).toEqual([
      'EVERPOST_ADMIN_KEY and EVERPOST_ADMIN_KEY_FILE are both set: keep one of them',
    ]);
  });
});

test.each([
  ['EVERPOST_PUBLIC_URI', 'EVERPOST_PUBLIC_URL'],
  ['EVERPSOT_MEDIA', 'EVERPOST_MEDIA'],
  ['TIKTOK_CLIENT_SECRT', 'TIKTOK_CLIENT_SECRET'],
  ['NEXT_PUBLIC_TIKTOK_CLIENT_KEYS', 'NEXT_PUBLIC_TIKTOK_CLIENT_KEY'],
  ['INSTAGRAM_APPID', 'INSTAGRAM_APP_ID'],
  ['THREAD_APP_SECRET', 'THREADS_APP_SECRET'],
  ['META_VERIFY_TOKENS', 'META_VERIFY_TOKEN'],
  ['TEMPORAL_ADRESS', 'TEMPORAL_ADDRESS'],
  ['DATABSE_URL', 'DATABASE_URL'],
])('the name %s causes a warning that suggests %s', (name, nearest) => {
  const { warnings } = readConfig('server', { ...SMALLEST, [name]: 's3cret' });
  expect(warnings).toEqual([
    `${name} is not a setting of Everpost and has no effect; did you mean ${nearest}?`,
  ]);
});

test.each(['EVERPOST', 'TIKTOK', 'INSTAGRAM', 'FACEBOOK', 'THREADS', 'META', 'NEXT_PUBLIC_THREADS'])(
  'an unknown name that starts with %s is meant for Everpost, however unlike every setting',
  (word) => {
    const { warnings } = readConfig('server', { ...SMALLEST, [`${word}_QUITE_ANOTHER_THING`]: 'x' });
    expect(warnings).toEqual([
      expect.stringContaining(`${word}_QUITE_ANOTHER_THING is not a setting of Everpost`),
    ]);
  },
);

test('other programs’ names and correct names cause no warning', () => {
  const env = {
    ...SMALLEST,
    ...TIKTOK,
    EVERPOST_PUBLIC_URL: 'https://posts.example.com',
    HOSTNAME: 'x',
    PATH: '/bin',
    TEMPORAL_GRPC_META_X: 'y',
    PG_DATABASE: 'z',
  };
  expect(readConfig('server', env).warnings).toEqual([]);
});

test.each(['https://other.example.com/api/auth/tiktok/callback', 'https://posts.example.com/callback'])(
  'a redirect URI %s, which is not our callback, causes a warning',
  (redirectUri) => {
    const env = { ...SMALLEST, ...TIKTOK, EVERPOST_PUBLIC_URL: 'https://posts.example.com' };
    const { warnings } = readConfig('server', { ...env, NEXT_PUBLIC_TIKTOK_REDIRECT_URI: redirectUri });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^NEXT_PUBLIC_TIKTOK_REDIRECT_URI is not https:\/\/posts\.example\.com\/api\/auth\/tiktok\/callback/,
      ),
    ]);
  },
);

test('.env.example is the output of scripts/env-example.ts, with every setting', async () => {
  const printed = await run([process.execPath, 'scripts/env-example.ts'], { cwd: ROOT });
  expect(readFileSync(`${ROOT}.env.example`, 'utf8')).toBe(`${printed}\n`);
  for (const { name, fallback } of SETTINGS) expect(printed).toContain(`\n#${name}=${fallback}`);
});

test('trusted proxies are addresses and networks', () => {
  const read = (text: string) => readConfig('server', { ...SMALLEST, EVERPOST_TRUSTED_PROXIES: text });
  expect(readConfig('server', SMALLEST).trustedProxies).toEqual([]);
  const right = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1'];
  expect(read(right.join(' , ')).trustedProxies).toEqual(right);
  for (const wrong of ['proxy', '10.0.0.0/33', '10.0.0.0/8,true', '1', '1'.repeat(500), '*'])
    expect(named(problemsOf({ ...SMALLEST, EVERPOST_TRUSTED_PROXIES: wrong }))).toEqual([
      'EVERPOST_TRUSTED_PROXIES',
    ]);
});

test('outbound proxies are read by their usual names, and no value is quoted', () => {
  expect(readConfig('worker', SMALLEST).proxies).toEqual({ https: '', http: '', except: '' });
  const env = {
    ...SMALLEST,
    HTTPS_PROXY: 'http://p.example:3128',
    http_proxy: 'p.example:3128',
    no_proxy: 'a,.b',
  };
  expect(readConfig('worker', env).proxies).toEqual({
    https: 'http://p.example:3128',
    http: 'http://p.example:3128',
    except: 'a,.b',
  });
  const problems = problemsOf({ ...SMALLEST, HTTPS_PROXY: `socks5://${secret()}@p`, HTTP_PROXY: 'http://' });
  expect(named(problems)).toEqual(['HTTPS_PROXY', 'HTTP_PROXY']);
  expect(problems.join(' ')).not.toContain('s3cret');
});

test.each([
  ['TIKTOK_SCOPES', 'user.info.basic video.upload'],
  ['TIKTOK_SCOPES', 'video.upload'],
  ['TIKTOK_SCOPES', 'user.info.basic,video.list'],
  ['TIKTOK_APP_AUDITED', 'yes'],
  ['TIKTOK_SITE_VERIFICATION', 'tiktokAbC.txt'],
  ['TIKTOK_SITE_VERIFICATION', '../tiktokAbC.txt=x'],
  ['TIKTOK_SITE_VERIFICATION', 'a/b.txt=x'],
  ['TIKTOK_SITE_VERIFICATION', 'tiktokAbC.txt='],
  ['TIKTOK_SITE_VERIFICATION', 'docs=x'],
])('%s=%s is refused at startup', (name, value) => {
  expect(new Set(named(problemsOf({ ...SMALLEST, ...TIKTOK, [name]: value })))).toEqual(new Set([name]));
});

/** Meta's apps: Facebook Login, Instagram Login and Threads. */
const META: Environment = {
  META_VERIFY_TOKEN: 'vt',
  ...appOf('NEXT_PUBLIC_INSTAGRAM_APP_ID', 'INSTAGRAM_APP_SECRET', 'NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI'),
  ...appOf('INSTAGRAM_LOGIN_APP_ID', 'INSTAGRAM_LOGIN_APP_SECRET', 'INSTAGRAM_LOGIN_REDIRECT_URI'),
  ...appOf('NEXT_PUBLIC_THREADS_APP_ID', 'THREADS_APP_SECRET', 'NEXT_PUBLIC_THREADS_REDIRECT_URI'),
};

function appOf(id: string, secretOf: string, redirect: string): Environment {
  return { [id]: 'id', [secretOf]: 'cs', [redirect]: 'https://posts.example.com/callback' };
}

test('EVERPOST_SYNC=on asks for what copying needs too; by default and with off nothing more is asked for', () => {
  const env = { ...SMALLEST, ...TIKTOK, ...META };
  for (const [value, expected] of [
    ['', 'granted'],
    ['granted', 'granted'],
    ['off', 'off'],
  ]) {
    const { providers, sync } = readConfig('server', { ...env, EVERPOST_SYNC: value });
    expect(sync).toBe(expected);
    const { tiktok, instagram, threads } = providers;
    for (const app of [tiktok, instagram?.facebookLogin, instagram?.instagramLogin, threads]) {
      expect(app).toBeDefined();
      expect(app).not.toHaveProperty('scopes');
    }
  }
  const { providers, sync } = readConfig('server', { ...env, EVERPOST_SYNC: 'on' });
  expect(sync).toBe('on');
  expect(providers).toMatchObject({
    tiktok: {
      scopes: [
        'user.info.basic',
        'video.upload',
        'video.publish',
        'user.info.profile',
        'user.info.stats',
        'video.list',
      ],
    },
    instagram: {
      facebookLogin: {
        scopes: [
          'instagram_basic',
          'instagram_content_publish',
          'pages_show_list',
          'pages_read_engagement',
          'business_management',
          'instagram_manage_comments',
          'pages_manage_metadata',
          'instagram_manage_insights',
        ],
      },
      instagramLogin: {
        scopes: [
          'instagram_business_basic',
          'instagram_business_content_publish',
          'instagram_business_manage_comments',
          'instagram_business_manage_insights',
        ],
      },
    },
    threads: {
      scopes: [
        'threads_basic',
        'threads_content_publish',
        'threads_manage_replies',
        'threads_read_replies',
        'threads_delete',
        'threads_manage_mentions',
        'threads_manage_insights',
      ],
    },
  });
});

test('a list of scopes counts more than EVERPOST_SYNC', () => {
  const TIKTOK_SCOPES = 'user.info.basic,video.upload';
  const { providers } = readConfig('server', { ...SMALLEST, ...TIKTOK, TIKTOK_SCOPES, EVERPOST_SYNC: 'on' });
  expect(providers.tiktok?.scopes).toEqual(['user.info.basic', 'video.upload']);
});

test('an unknown scope is asked for, with a warning', () => {
  const env = { ...SMALLEST, ...TIKTOK, TIKTOK_SCOPES: 'user.info.basic,video.upload,research.data.basic' };
  const { providers, warnings } = readConfig('server', env);
  expect(providers.tiktok?.scopes).toEqual(['user.info.basic', 'video.upload', 'research.data.basic']);
  expect(warnings).toContainEqual(
    expect.stringMatching(/^TIKTOK_SCOPES: .*research\.data\.basic,.*video\.publish/),
  );
});

test('a setting selects the scopes of an app', () => {
  const env = {
    ...SMALLEST,
    ...TIKTOK,
    TIKTOK_SCOPES: 'user.info.basic, video.upload,video.upload',
    TIKTOK_APP_AUDITED: 'true',
    TIKTOK_SITE_VERIFICATION: 'tiktokAbC.txt=tiktok-developers-site-verification=AbC',
  };
  const { providers, siteVerification } = readConfig('server', env);
  expect(providers.tiktok).toMatchObject({ audited: true, scopes: ['user.info.basic', 'video.upload'] });
  expect(siteVerification).toEqual({
    name: 'tiktokAbC.txt',
    content: 'tiktok-developers-site-verification=AbC',
  });
  expect(named(problemsOf({ ...env, EVERPOST_PUBLIC_URL: 'http://posts.example.com' }))).toEqual([
    'TIKTOK_SITE_VERIFICATION',
  ]);
});
