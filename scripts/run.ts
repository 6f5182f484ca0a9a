import { spawn, type SpawnOptions } from 'node:child_process';

/** Runs a command to its end and returns what it printed; what it complained about is in the error. */
export function run(command: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, complaints]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => complaints.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const said = Buffer.concat(output).toString();
      if (code === 0) return resolve(said.trim());
      const why = Buffer.concat(complaints).toString().trim() || said.trim();
      reject(new Error(`${program} ended with ${code ?? signal}: ${why.slice(-2_000)}`));
    });
  });
}
