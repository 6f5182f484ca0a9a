import { ActivityFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { Step } from '../plan.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { awaitVerdict, performWrite, transferMedia } from './activity-options.ts';

/** The work of one post: one piece at a time, which a message can stop. */
export interface PostWork {
  perform: (step: Step) => Promise<StepOutcome>;
  /** Performs work that is not a step. */
  stoppable: <T>(work: () => Promise<T>) => Promise<T | { kind: 'stopped' }>;
  /** Whether a write is in progress. */
  isWriting: () => boolean;
  stop: () => void;
}

export function createWork(postId: string): PostWork {
  let scope: CancellationScope | null = null;
  let writing = false;

  async function perform(step: Step): Promise<StepOutcome> {
    writing = step.kind === 'write';
    try {
      return await stoppable(() => run(postId, step));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return { kind: 'given_up', why: error.cause?.message ?? error.message };
    } finally {
      writing = false;
    }
  }

  async function stoppable<T>(work: () => Promise<T>): Promise<T | { kind: 'stopped' }> {
    const mine = new CancellationScope();
    scope = mine;
    try {
      return await mine.run(work);
    } catch (error) {
      // An activity that is cancelled during a request may end with that request's failure.
      if (mine.consideredCancelled && (isCancellation(error) || error instanceof ActivityFailure))
        return { kind: 'stopped' };
      throw error;
    } finally {
      scope = null;
    }
  }

  return { perform, stoppable, isWriting: () => writing, stop: () => scope?.cancel() };
}

function run(postId: string, step: Step): Promise<StepOutcome> {
  const args = { postId, step: step.name };
  switch (step.kind) {
    case 'write':
      return performWrite.executeWithOptions({ summary: `${step.name} at the provider` }, [args]);
    case 'transfer':
      return transferMedia.executeWithOptions({ summary: 'send the file' }, [args]);
    case 'await':
      return awaitVerdict.executeWithOptions({ summary: 'ask for the verdict' }, [args]);
  }
}

/** The step as operators see it while it runs. */
export function describe(step: Step): string {
  switch (step.kind) {
    case 'write':
      return `Performs ${step.name} at the provider`;
    case 'transfer':
      return 'Sends the file to the provider';
    case 'await':
      return 'Asks the provider until it has decided, or its webhook arrives';
  }
}
