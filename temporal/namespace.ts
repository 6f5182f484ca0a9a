import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { SWEEP_ID, TASK_QUEUE } from './names.ts';

/*
 * A Temporal namespace belongs to one installation: to the database whose id is in the memo of the Schedule `sweep`. A
 * second installation would find workflows for posts that it does not have, and the first one's workers would take its
 * own workflows.
 */

const REMEDY = `give each installation a namespace of its own, or, if the other one is gone for good, delete the Schedule "${SWEEP_ID}"`;

/** The namespace belongs to another installation. */
export class NamespaceTaken extends Error {
  override readonly name = 'NamespaceTaken';
  /** The fact without names and ids, safe to show to anyone. */
  readonly fact = `the Temporal namespace belongs to another installation: ${REMEDY}`;

  constructor(namespace: string, owner: string, installation: string) {
    super(
      `the Temporal namespace "${namespace}" belongs to installation ${owner}, but the database is installation ${installation}: ${REMEDY}`,
    );
  }
}

/** The namespace does not exist. */
export class NamespaceMissing extends Error {
  override readonly name = 'NamespaceMissing';
  /** See NamespaceTaken. */
  readonly fact =
    'the Temporal namespace that TEMPORAL_NAMESPACE names does not exist: create it with "temporal operator namespace create"';

  constructor(namespace: string) {
    super(
      `Temporal has no namespace "${namespace}": set TEMPORAL_NAMESPACE to one that it has, or create it: ` +
        `temporal operator namespace create --namespace ${namespace} --retention 7d`,
    );
  }
}

/**
 * Claims the namespace for an installation by creating the `sweep` Schedule: every minute, never two at once, no
 * catching up after a stop. Claiming twice changes nothing.
 * @throws NamespaceTaken, NamespaceMissing; ServiceError if Temporal does not answer
 */
export async function takeNamespace(client: Client, installation: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SWEEP_ID,
      spec: { intervals: [{ every: '1 minute' }], jitter: '5 seconds' },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '2 minutes' },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep',
        workflowId: SWEEP_ID,
        taskQueue: TASK_QUEUE,
        staticSummary: 'Starts what was committed but never started',
        memo: { installation },
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw explained(error, client);
    if ((await ownerOf(client)) === null) await sign(client, installation);
    await checkNamespace(client, installation);
  }
}

/** @param installation null if it has no id yet @throws NamespaceTaken, NamespaceMissing */
export async function checkNamespace(client: Client, installation: string | null): Promise<void> {
  const owner = await ownerOf(client);
  if (owner !== null && installation !== null && owner !== installation)
    throw new NamespaceTaken(client.options.namespace, owner, installation);
}

/**
 * The installation that owns the namespace; null if there is none, or if an older version created the Schedule without
 * an id.
 */
async function ownerOf(client: Client): Promise<string | null> {
  try {
    const { action } = await client.schedule.getHandle(SWEEP_ID).describe();
    const owner = action.memo?.['installation'];
    return typeof owner === 'string' ? owner : null;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw explained(error, client);
  }
}

const explained = (error: unknown, client: Client): unknown =>
  error instanceof NamespaceNotFoundError ? new NamespaceMissing(client.options.namespace) : error;

/** Adds the id to a Schedule of an older version, which had none. An operator's changes to the Schedule stay. */
async function sign(client: Client, installation: string): Promise<void> {
  await client.schedule.getHandle(SWEEP_ID).update(({ action, ...rest }) => ({
    ...rest,
    action: { ...action, memo: { ...action.memo, installation } },
  }));
}

/**
 * Blocks all starts and messages of a client until the namespace's owner is known.
 * @param permit rejects if another installation owns it
 */
export function onlyWith(permit: () => Promise<void>): WorkflowClientInterceptor {
  const first =
    <Input, Output>() =>
    async (input: Input, next: (input: Input) => Promise<Output>): Promise<Output> => {
      await permit();
      return next(input);
    };
  return {
    startWithDetails: first(),
    signalWithStart: first(),
    startUpdateWithStart: first(),
    startUpdate: first(),
    signal: first(),
  };
}
