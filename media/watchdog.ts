import process from 'node:process';
import { workerData } from 'node:worker_threads';

/* A thread of inspector.ts that ends the process once its parent is gone. */

const LOOK_MS = 500;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);
