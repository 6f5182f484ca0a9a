import { spawn, type SpawnOptions } from 'node:child_process';

/** Runs a command to its end and returns its output; the error contains its complaints. */
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
      reject(new Error(`${program} ended with ${code ?? signal}: ${shortened(why)}`));
    });
  });
}

/** Node.js prints the reason at the top of a long trace, most other programs at the end. */
function shortened(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 1_000)}\n...\n${text.slice(-1_000)}` : text;
}
