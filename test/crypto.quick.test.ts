import { assert, asyncProperty, nat, string } from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { createEnvelope, EnvelopeError, type Aad, type WrappedKey } from '../crypto/envelope.ts';
import { localKeyProvider, parseKeyring, type KeyProvider } from '../crypto/keys.ts';
import { createMediaLinks } from '../crypto/media-links.ts';
import { equalHex, hmacSha256Hex, randomToken, sha256Hex } from '../crypto/signatures.ts';

const encodedKey = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const keyring = (...ids: string[]) =>
  parseKeyring(ids.map((id) => `${id}:${encodedKey(id.charCodeAt(0))}`).join(','));
const aad: Aad = { table: 'oauth_accounts', column: 'access_token_encrypted', row: '17', version: 3 };

afterEach(() => {
  vi.useRealTimers();
});

test('sealed text opens again, and never looks the same twice', async () => {
  const envelope = createEnvelope({ keys: localKeyProvider(keyring('a')) });
  const key = await envelope.newDataKey();
  await assert(
    asyncProperty(string({ unit: 'binary' }), string(), nat(), async (plaintext, row, version) => {
      const place = { ...aad, row, version };
      const sealed = await envelope.seal(key, plaintext, place);
      expect(await envelope.open(key, sealed, place)).toBe(plaintext);
      expect(Buffer.compare(await envelope.seal(key, plaintext, place), sealed)).not.toBe(0);
    }),
  );
  envelope.close();
});

test.each<[string, Aad]>([
  ['table', { ...aad, table: 'instagram_accounts' }],
  ['column', { ...aad, column: 'refresh_token_encrypted' }],
  ['row', { ...aad, row: '18' }],
  ['version', { ...aad, version: 4 }],
])('a ciphertext moved to another %s is refused', async (_part, elsewhere) => {
  const envelope = createEnvelope({ keys: localKeyProvider(keyring('a')) });
  const key = await envelope.newDataKey();
  const sealed = await envelope.seal(key, 'secret-token', aad);
  const error = await failure(envelope.open(key, sealed, elsewhere));
  expect(error).toMatchObject({ code: 'tampered' });
  expect(error.message).not.toContain('secret-token');
});

test.each(['', ',', ':', '/', '","', '\0'])(
  'the parts of a place do not run into each other around %j',
  async (joint) => {
    const envelope = createEnvelope({ keys: localKeyProvider(keyring('a')) });
    const key = await envelope.newDataKey();
    const sealed = await envelope.seal(key, 'token', { ...aad, column: 'a', row: `b${joint}c` });
    const elsewhere = { ...aad, column: `a${joint}b`, row: 'c' };
    expect(await failure(envelope.open(key, sealed, elsewhere))).toMatchObject({ code: 'tampered' });
  },
);

test('a ciphertext under another data key is refused', async () => {
  const envelope = createEnvelope({ keys: localKeyProvider(keyring('a')) });
  const sealed = await envelope.seal(await envelope.newDataKey(), 'token', aad);
  expect(await failure(envelope.open(await envelope.newDataKey(), sealed, aad))).toMatchObject({
    code: 'tampered',
  });
});

test('every flipped bit and every cut is refused', async () => {
  const envelope = createEnvelope({ keys: localKeyProvider(keyring('a')) });
  const key = await envelope.newDataKey();
  const sealed = await envelope.seal(key, 'token', aad);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const error = await failure(envelope.open(key, flip(sealed, bit), aad));
    expect(error).toMatchObject({ code: bit < 8 ? 'malformed' : 'tampered' });
  }
  for (let length = 0; length < sealed.length; length += 1) {
    const error = await failure(envelope.open(key, sealed.subarray(0, length), aad));
    expect(error).toMatchObject({ code: length < 29 ? 'malformed' : 'tampered' });
  }
});

test('a changed, cut or renamed wrapped data key is refused', async () => {
  const keys = localKeyProvider(keyring('a', 'b'));
  const { keyId, wrapped } = await keys.wrap(new Uint8Array(32));
  for (let bit = 0; bit < wrapped.length * 8; bit += 7) {
    expect(await failure(keys.unwrap(keyId, flip(wrapped, bit)))).toMatchObject({ code: 'tampered' });
  }
  expect(await failure(keys.unwrap('b', wrapped))).toMatchObject({ code: 'tampered' });
  expect(await failure(keys.unwrap(keyId, wrapped.subarray(0, 30)))).toMatchObject({ code: 'malformed' });
});

test('the key id is authenticated even if two ids share one key', async () => {
  const shared = encodedKey(1);
  const keys = localKeyProvider(parseKeyring(`a:${shared},b:${shared}`));
  const { wrapped } = await keys.wrap(new Uint8Array(32));
  expect(await failure(keys.unwrap('b', wrapped))).toMatchObject({ code: 'tampered' });
});

test('a missing key-encryption key is named in the error', async () => {
  const key = await createEnvelope({ keys: localKeyProvider(keyring('a')) }).newDataKey();
  const other = createEnvelope({ keys: localKeyProvider(keyring('b')) });
  expect(await failure(other.open(key, new Uint8Array(40), aad))).toMatchObject({ code: 'unknown_key' });
});

test('after a rotation the old key still opens, and the new one wraps', async () => {
  const before = createEnvelope({ keys: localKeyProvider(keyring('a')) });
  const key = await before.newDataKey();
  const sealed = await before.seal(key, 'token', aad);

  const after = createEnvelope({ keys: localKeyProvider(keyring('b', 'a')) });
  expect(await after.open(key, sealed, aad)).toBe('token');
  expect((await after.newDataKey()).keyId).toBe('b');
});

test('a data key without 32 bytes is refused and wiped', async () => {
  const short = new Uint8Array(16).fill(7);
  const keys: KeyProvider = {
    activeKeyId: 'a',
    wrap: () => Promise.reject(new Error('not used')),
    unwrap: () => Promise.resolve(short),
  };
  const key = { keyId: 'a', wrapped: new Uint8Array(72) };
  expect(await failure(createEnvelope({ keys }).seal(key, 'token', aad))).toMatchObject({
    code: 'malformed',
  });
  expect(short).toEqual(new Uint8Array(16));
});

test('the least recently used data key leaves the cache and is wiped', async () => {
  const { keys, unwrapped } = watchedKeys();
  const envelope = createEnvelope({ keys, maxKeys: 2 });
  const [first, second, third] = await threeKeys(() => envelope.newDataKey());
  await envelope.seal(first, 'x', aad);
  await envelope.seal(second, 'x', aad);
  await envelope.seal(first, 'x', aad);
  await envelope.seal(third, 'x', aad);
  expect(unwrapped.map(isWiped)).toEqual([false, true, false]);

  await envelope.seal(second, 'x', aad);
  expect(unwrapped).toHaveLength(4);
  envelope.close();
  expect(unwrapped.map(isWiped)).toEqual([true, true, true, true]);
  await expect(envelope.seal(first, 'x', aad)).rejects.toThrow('closed');
});

test('a data key expires and is wiped without a request', async () => {
  vi.useFakeTimers();
  const { keys, unwrapped } = watchedKeys();
  const envelope = createEnvelope({ keys, ttlMs: 1_000 });
  const key = await envelope.newDataKey();
  await envelope.seal(key, 'x', aad);
  vi.advanceTimersByTime(999);
  expect(unwrapped.map(isWiped)).toEqual([false]);
  vi.advanceTimersByTime(1);
  expect(unwrapped.map(isWiped)).toEqual([true]);
});

test('a forgotten data key is wiped and unwrapped again', async () => {
  const { keys, unwrapped } = watchedKeys();
  const envelope = createEnvelope({ keys });
  const key = await envelope.newDataKey();
  const sealed = await envelope.seal(key, 'token', aad);
  envelope.forget(key);
  expect(unwrapped.map(isWiped)).toEqual([true]);
  expect(await envelope.open(key, sealed, aad)).toBe('token');
});

test('concurrent users of one data key unwrap it once', async () => {
  const { keys, unwrapped } = watchedKeys();
  const envelope = createEnvelope({ keys });
  const key = await envelope.newDataKey();
  const texts = Array.from({ length: 50 }, (_, index) => `token ${index}`);
  const sealed = await Promise.all(texts.map((text) => envelope.seal(key, text, aad)));
  expect(await Promise.all(sealed.map((bytes) => envelope.open(key, bytes, aad)))).toEqual(texts);
  expect(unwrapped).toHaveLength(1);
});

test('a data key in use is wiped only after its last user', async () => {
  const { keys, unwrapped } = watchedKeys();
  const envelope = createEnvelope({ keys, maxKeys: 1 });
  const [first, second] = await threeKeys(() => envelope.newDataKey());
  const sealed = await envelope.seal(first, 'token', aad);
  envelope.forget(first);

  const opened = [envelope.open(first, sealed, aad), envelope.open(first, sealed, aad)];
  const pushedOutBy = envelope.seal(second, 'x', aad);
  expect(await Promise.all(opened)).toEqual(['token', 'token']);
  await pushedOutBy;
  expect(unwrapped.map(isWiped)).toEqual([true, true, false]);
});

test('a failed unwrap is passed on but not cached', async () => {
  const { keys } = watchedKeys();
  const outage = new Error('vault is sealed');
  const unwrap = vi.fn<KeyProvider['unwrap']>((keyId, wrapped) => keys.unwrap(keyId, wrapped));
  unwrap.mockRejectedValueOnce(outage);
  const envelope = createEnvelope({ keys: { ...keys, unwrap } });
  const key = await envelope.newDataKey();
  await expect(envelope.seal(key, 'token', aad)).rejects.toBe(outage);
  await expect(envelope.seal(key, 'token', aad)).resolves.toBeInstanceOf(Uint8Array);
});

test('the first key of a keyring is active', () => {
  const { activeKeyId, keys } = parseKeyring(` new:${encodedKey(2)} , old:${encodedKey(1)} `);
  expect(activeKeyId).toBe('new');
  expect([...keys.keys()]).toEqual(['new', 'old']);
  expect(keys.get('old')).toEqual(new Uint8Array(32).fill(1));
});

const misplaced = Buffer.alloc(32, 0xa5).toString('base64url');
test.each([
  ['', 'entry 1 is empty'],
  [`a:${encodedKey(1)},`, 'entry 2 is empty'],
  [misplaced, 'entry 1 must have exactly one ":"'],
  [`a:${misplaced}:b`, 'entry 1 must have exactly one ":"'],
  [`${misplaced}=:a`, 'entry 1 needs an id'],
  [`${misplaced}:a`, 'entry 1 has a key of 0 bytes'],
  [`a:!${misplaced}`, 'entry 1 has a key that is not base64'],
  [`a:${misplaced.slice(2)}`, 'entry 1 has a key of 30 bytes'],
  [`a:${misplaced}AAAA`, 'entry 1 has a key of 35 bytes'],
  [`a:${encodedKey(1)},a:${misplaced}`, 'entry 2 repeats the id'],
  [`a,b`, 'entry 1 must have exactly one ":" between id and key; entry 2 must'],
])('keyring problem %#: the message names it and quotes nothing', (text, problem) => {
  let message = '';
  try {
    parseKeyring(text);
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain(problem);
  expect(message).not.toContain(misplaced.slice(4, 12));
});

test('hashes and signatures match published vectors', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  // RFC 4231, test case 2.
  const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  expect(hmacSha256Hex('Jefe', 'what do ya want ', Buffer.from('for nothing?'))).toBe(expected);
});

test('hex is compared as bytes; text that is not hex equals nothing', () => {
  expect(equalHex('00ff', '00FF')).toBe(true);
  expect(equalHex('00ff', '00fe')).toBe(false);
  expect(equalHex('00ff', '00ff00')).toBe(false);
  for (const junk of ['', 'zz', '0', 'é0', '00ff\n']) expect(equalHex(junk, junk)).toBe(false);
});

test('tokens are random and of the requested length', () => {
  expect(randomToken()).toMatch(/^[\w-]{43}$/);
  expect(randomToken(16)).toMatch(/^[\w-]{22}$/);
  expect(randomToken()).not.toBe(randomToken());
});

test('a media link is valid as long as its signing key is in the keyring', () => {
  const link = new URL(createMediaLinks('https://everpost.example', keyring('a')).url('17'));
  const { expires = '', signature = '' } = Object.fromEntries(link.searchParams);
  const isValid = (...ids: string[]): boolean =>
    createMediaLinks('https://everpost.example', keyring(...ids)).isValid('17', expires, signature);
  expect([isValid('a'), isValid('b', 'a'), isValid('b')]).toEqual([true, true, false]);
});

/** A local key provider that keeps every data key it unwrapped. */
function watchedKeys() {
  const local = localKeyProvider(keyring('a'));
  const unwrapped: Uint8Array[] = [];
  const keys: KeyProvider = {
    ...local,
    unwrap: async (keyId, wrapped) => {
      const dataKey = await local.unwrap(keyId, wrapped);
      unwrapped.push(dataKey);
      return dataKey;
    },
  };
  return { keys, unwrapped };
}

async function threeKeys(make: () => Promise<WrappedKey>) {
  return [await make(), await make(), await make()] as const;
}

function isWiped(dataKey: Uint8Array): boolean {
  return dataKey.every((byte) => byte === 0);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

async function failure(promise: Promise<unknown>): Promise<EnvelopeError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof EnvelopeError)) throw new Error('Expected an EnvelopeError.');
  return error;
}
