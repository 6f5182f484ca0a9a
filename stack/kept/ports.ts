import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { environment } from '../environment.ts';
import { keep, readKept } from './folder.ts';
import { freePort, isFree } from '../ports.ts';

const FILE = 'ports.json';
const Ports = Type.Object({
  api: Type.Integer(),
  postgres: Type.Integer(),
  temporal: Type.Integer(),
  temporalUi: Type.Integer(),
  sandbox: Type.Integer(),
});
export type Ports = Static<typeof Ports>;

/** The default ports; the others get any free port. */
const PREFERRED: Partial<Ports> = { api: 3_000, temporal: 7_233, temporalUi: 8_233 };

/** The ports of the last start if they are free, because links and redirect URIs contain them. */
export async function choosePorts(): Promise<Ports> {
  const last = lastPorts();
  const taken = new Set<number>();
  const choose = async (name: keyof Ports): Promise<number> => {
    const wishes = [last[name], PREFERRED[name]].filter((port) => port !== undefined);
    let port = await freePort(...wishes.filter((wish) => !taken.has(wish)));
    while (taken.has(port)) port = await freePort();
    taken.add(port);
    return port;
  };
  const ports: Ports = {
    api: (await portFromEnvironment()) ?? (await choose('api')),
    temporal: await choose('temporal'),
    temporalUi: await choose('temporalUi'),
    postgres: await choose('postgres'),
    sandbox: await choose('sandbox'),
  };
  keep(FILE, JSON.stringify(ports, null, 2));
  return ports;
}

function lastPorts(): Partial<Ports> {
  try {
    return Value.Parse(Type.Partial(Ports), JSON.parse(readKept(FILE) ?? '{}'));
  } catch {
    return {};
  }
}

async function portFromEnvironment(): Promise<number | null> {
  const text = environment['PORT'];
  if (text === undefined || text === '') return null;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`PORT is ${text}: it must be a port number`);
  if (!(await isFree(port))) throw new Error(`PORT is ${port}, but somebody listens there already`);
  return port;
}
