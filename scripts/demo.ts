import { SAMPLE } from '../stack/checkout.ts';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publishDemo } from './demo/publish.ts';
import { environment } from '../stack/environment.ts';
import { folder } from '../stack/kept/folder.ts';
import { padMp4, parseSize } from '../stack/pad-mp4.ts';
import { runScript } from '../stack/run-script.ts';
import { hasCredentials } from '../stack/kept/options.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import { say } from '../stack/say.ts';
import { withStack } from '../stack/kept/stack.ts';

/** `npm run demo -- [FILE] [--size 200MB] [--provider NAME]`: one video through every layer, against the sandbox. */

await runScript(130, async () => {
  const started = Date.now();
  const { values, positionals } = parseArgs({
    options: { size: { type: 'string' }, provider: { type: 'string', default: 'tiktok' } },
    allowPositionals: true,
  });
  const drivers = driversNamed(values.provider);
  const source = positionals[0] ?? SAMPLE;
  if (!existsSync(source) || !statSync(source).isFile()) throw new Error(`${source}: there is no such file`);
  const size = values.size === undefined ? undefined : parseSize(values.size);

  const titles = new Intl.ListFormat('en-GB').format(drivers.map(({ title }) => title));
  say(
    `Everpost demo: a creator connects an account, a video is uploaded and published. The sandbox plays ${titles}.`,
  );
  if (DRIVERS.some((driver) => hasCredentials(driver)))
    say(
      'The provider credentials in your environment are left alone: the demo never posts to a real account.',
    );
  const padded = join(folder, 'tmp', `demo-${process.pid}.mp4`);
  try {
    await withStack({ sandboxAlways: true }, async (stack) => {
      if (size !== undefined) {
        mkdirSync(join(folder, 'tmp'), { recursive: true });
        await padMp4(source, padded, size);
      }
      await publishDemo(stack, drivers, size === undefined ? source : padded, started);
    });
  } finally {
    rmSync(padded, { force: true });
  }
  const dir = environment['EVERPOST_DIR'] ? `EVERPOST_DIR=${folder} ` : '';
  say(`To look at all this: ${dir}npm run dev starts the same stack again and keeps it up.`);
});

/** @param choice a provider's name, or `all` */
function driversNamed(choice: string): readonly Driver[] {
  const chosen = DRIVERS.filter(({ provider }) => choice === 'all' || choice === provider);
  if (chosen.length > 0) return chosen;
  const names = DRIVERS.map(({ provider }) => provider).join(', ');
  throw new Error(`--provider ${choice}: give one of ${names}, or all`);
}
