import { join } from 'node:path';
import { createApi } from '../stack/client.ts';
import { connectLink } from '../stack/connect.ts';
import { environment } from '../stack/environment.ts';
import { folder } from '../stack/kept/folder.ts';
import { keptSample } from '../stack/kept/sample.ts';
import { keptUser } from '../stack/kept/user.ts';
import { runScript } from '../stack/run-script.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { Way } from '../test/drivers/way.ts';
import { say } from '../stack/say.ts';
import { withStack, type KeptStack } from '../stack/kept/stack.ts';

/** `npm run dev`: runs the embedded stack until Ctrl-C. */
await runScript(0, () =>
  withStack({ sandboxAlways: false }, async (stack) => {
    await introduce(stack);
    await new Promise(() => {});
  }),
);

async function introduce(stack: KeptStack): Promise<void> {
  const { apiUrl, secrets, temporalUiUrl, sandboxUrl, sandboxed } = stack;
  const { email, key } = await keptUser(apiUrl, secrets.adminKey);
  const api = createApi(apiUrl, key);
  // With your own credentials, a creator connects an account in a browser.
  const sample = sandboxUrl === undefined ? null : await keptSample(api, key, sandboxUrl, sandboxed);
  const link = async (driver: Driver, { title, method }: Way): Promise<string> => {
    const url = await connectLink(api, driver, method === null ? {} : { method });
    return `  ${title.padEnd(25)}  ${url}`;
  };
  const links = await Promise.all(
    DRIVERS.flatMap((driver) =>
      driver.ways
        // With your own app, perhaps only the default way is set up.
        .filter(({ method }) => method === null || sandboxed.includes(driver))
        .map((way) => link(driver, way)),
    ),
  );
  const curl = (driver: Driver): string => {
    const accountId = sample?.accounts[driver.provider] ?? 'ACCOUNT_ID';
    const body = driver.videoPost(accountId, sample?.mediaId ?? 'MEDIA_ID', 'Hello from curl');
    return `  curl -sS ${apiUrl}${driver.publishPath} -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  };
  const lines = [
    '',
    `  API          ${apiUrl}`,
    `  docs         ${apiUrl}/docs`,
    ...(temporalUiUrl === undefined ? [] : [`  Temporal UI  ${temporalUiUrl}`]),
    ...(sandboxUrl === undefined ? [] : [`  sandbox      ${sandboxUrl}/_sandbox/`]),
    `  API key      ${key} (${email})`,
    `  admin key    ${environment['EVERPOST_ADMIN_KEY'] ? 'EVERPOST_ADMIN_KEY of your environment' : join(folder, 'admin-key')}`,
    `  state, logs  ${folder}`,
    '',
    '  Connect an account, in a browser, within the hour:',
    ...links,
    '',
    sample === null
      ? '  Publish a video:'
      : '  Publish the sample video to the sandbox accounts that are connected already:',
    ...(sample === null ? DRIVERS : sandboxed).map(curl),
    '',
    'Ctrl-C ends it all; the next start finds everything again.',
  ];
  for (const line of lines) say(line);
}
