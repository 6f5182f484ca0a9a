import { run } from './run.ts';

/** The account that runs PostgreSQL, which refuses to run as root. */
export interface PostgresAccount {
  /** The owner of the data directory. Absent: ourselves. */
  owner?: Ids;
  /** The ids for spawn. */
  ids?: Ids;
  /** A prefix of the command. */
  prefix: readonly string[];
}

interface Ids {
  uid: number;
  gid: number;
}

/**
 * The account, with access to both the programs and the data folder.
 * @param initdb the program; the server's is beside it
 * @throws Error that says what to do if no account can reach them
 */
export async function postgresAccount(
  initdb: string,
  folder: string,
  say: (line: string) => void,
): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const ids = await postgresUser(say);
  // initdb finds the server and runs it, then prints what it found: PostgreSQL uses access(2), which is stricter than
  // starting a program.
  const reach = ['/bin/sh', '-c', 'cd "$1" && "$0" --show --pgdata="$1/none"', initdb, folder];
  if (await succeeds(reach, { ...ids, cwd: '/' })) return { owner: ids, ids, prefix: [] };

  // Below a folder like /root (mode 0700) that user has no access, so it gets permission to pass: initdb and postgres
  // check only that they are not root. access(2) ignores the capabilities of a changed user without the securebit.
  const prefix = [
    'setpriv',
    `--reuid=${ids.uid}`,
    `--regid=${ids.gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  if (await succeeds([...prefix, ...reach], { cwd: '/' })) return { owner: ids, prefix };
  throw new Error(
    `PostgreSQL does not run as root, and user postgres cannot reach ${folder} or ${initdb}. ` +
      'Put the checkout and EVERPOST_DIR where other users may pass, start as another user, or set DATABASE_URL.',
  );
}

async function postgresUser(say: (line: string) => void): Promise<Ids> {
  const existing = await lookUp();
  if (existing !== null) return existing;
  say('PostgreSQL does not run as root: adding the system user "postgres" for it');
  const added = await run(['useradd', '--system', '--user-group', '--no-create-home', 'postgres']).catch(
    (error: unknown) => error,
  );
  const user = await lookUp();
  if (user !== null) return user;
  throw new Error(
    'PostgreSQL does not run as root, and no user for it could be added. Set DATABASE_URL instead.',
    {
      cause: added,
    },
  );
}

async function lookUp(): Promise<Ids | null> {
  try {
    const [uid, gid] = await Promise.all([run(['id', '-u', 'postgres']), run(['id', '-g', 'postgres'])]);
    return { uid: Number(uid), gid: Number(gid) };
  } catch {
    return null;
  }
}

async function succeeds(command: readonly string[], options: Parameters<typeof run>[1]): Promise<boolean> {
  return run(command, options).then(
    () => true,
    () => false,
  );
}
