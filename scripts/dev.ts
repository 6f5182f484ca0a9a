import { createApi } from './api-client.ts';
import { connectLink } from './connect-account.ts';
import { folder } from './folder.ts';
import { keptSample } from './kept-sample.ts';
import { keptUser } from './kept-user.ts';
import { videoPost } from './publish-video.ts';
import { runScript } from './run-script.ts';
import { say } from './say.ts';
import { withStack } from './stack.ts';
import type { Stack } from './start-stack.ts';

/** `npm run dev`: the embedded stack, staying up until Ctrl-C. */
await runScript(0, () =>
  withStack({ sandboxAlways: false }, async (stack) => {
    await introduce(stack);
    await new Promise(() => {});
  }),
);

async function introduce(stack: Stack): Promise<void> {
  const { apiUrl, adminKey, temporalUiUrl, sandboxUrl, sandboxed } = stack;
  const { email, key } = await keptUser(apiUrl, adminKey);
  const api = createApi(apiUrl, key);
  // With credentials of your own, an account is connected by its creator, in a browser.
  const sample =
    sandboxUrl === undefined || !sandboxed.includes('tiktok') ? null : await keptSample(api, key, sandboxUrl);
  const { accountId, mediaId } = sample ?? { accountId: 'ACCOUNT_ID', mediaId: 'MEDIA_ID' };
  const body = JSON.stringify(videoPost(accountId, mediaId, 'Hello from curl'));
  const lines = [
    '',
    `  API          ${apiUrl}`,
    `  docs         ${apiUrl}/docs`,
    ...(temporalUiUrl === undefined ? [] : [`  Temporal UI  ${temporalUiUrl}`]),
    ...(sandboxUrl === undefined ? [] : [`  sandbox      ${sandboxUrl}/_sandbox/`]),
    `  API key      ${key} (${email})`,
    `  state, logs  ${folder}`,
    '',
    '  Connect an account, in a browser, within the hour:',
    `  ${await connectLink(api)}`,
    '',
    sample === null
      ? '  Publish a video:'
      : '  Publish the sample video to the sandbox account that is connected already:',
    `  curl -sS ${apiUrl}/api/tiktok/upload -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '${body}'`,
    '',
    'Ctrl-C ends it all; the next start finds everything again.',
  ];
  for (const line of lines) say(line);
}
