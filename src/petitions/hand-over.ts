/**
 * Acts on their way to the one process that writes the log, from the others: those that serve, and commands. What is asked
 * may be asked again, so nothing on the way needs to be durable: an act is acknowledged only by the answer of the writer,
 * which has it under a signed checkpoint by then.
 */
import { randomUUID } from 'node:crypto';
import { Refusal, SetupError } from '../errors.ts';
import { OneAtATime } from '../one-at-a-time.ts';
import type { PetitionAct, PetitionOutcome } from './acts.ts';
import type { Answer, Register, Request, RequestStore } from './ports.ts';

type Limits = {
  /** How long an answer is waited for. */
  readonly patienceMs: number;
  /** Acts that may wait at once. */
  readonly queue: number;
};

/** A process that writes in the place of one that died starts within a tenth of this, on a machine that is not busy. */
const LIMITS: Limits = { patienceMs: 20_000, queue: 4096 };
/** Acts that come one by one travel together. */
const GATHER_MS = 2;
const LOOK_MS = 1000;

type Waiting = {
  readonly since: number;
  resolve(outcomes: readonly PetitionOutcome[]): void;
  reject(error: unknown): void;
};
type Gathered = { readonly act: PetitionAct; readonly answer: PromiseWithResolvers<PetitionOutcome> };

/** Records through another process. */
export class HandOver implements Register {
  readonly #requests: RequestStore;
  readonly #limits: Limits;
  readonly #waiting = new Map<string, Waiting>();
  #stopListening: (() => void) | undefined;
  #isClosed = false;
  #gathered: Gathered[] = [];
  #count = 0;
  readonly #collector = new OneAtATime(() => this.#collect());

  constructor(requests: RequestStore, limits: Partial<Limits> = {}) {
    this.#requests = requests;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Acts that wait for an answer. */
  get queued(): number {
    return this.#count;
  }

  /** @throws Refusal `overloaded`; `storage-unavailable` when nobody answers: asking again tells whether it was recorded */
  record(act: PetitionAct): Promise<PetitionOutcome> {
    if (this.#count >= this.#limits.queue) return Promise.reject(new Refusal('overloaded', 'handed over'));
    this.#count++;
    const answer = Promise.withResolvers<PetitionOutcome>();
    this.#gathered.push({ act, answer });
    if (this.#gathered.length === 1) setTimeout(() => this.#leaveGathered(), GATHER_MS);
    return answer.promise.finally(() => {
      this.#count--;
    });
  }

  /** All of them as one request, for whoever has many. */
  recordAll(acts: readonly PetitionAct[]): Promise<readonly PetitionOutcome[]> {
    const id = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<readonly PetitionOutcome[]>();
    this.#waiting.set(id, { since: performance.now(), resolve, reject });
    if (!this.#isClosed) this.#stopListening ??= this.#listen();
    // Not waited for: a database that hangs would keep whoever asked from hearing that patience is over.
    this.#requests.leave(id, acts).catch((error: unknown) => this.#stopWaiting(id)?.reject(error));
    return promise;
  }

  /** Waits for nobody any more. */
  close(): void {
    this.#isClosed = true;
    this.#rest();
  }

  #listen(): () => void {
    const stop = this.#requests.onAnswered(() => this.#look());
    const looking = setInterval(() => void this.#giveUp(), LOOK_MS);
    return () => {
      stop();
      clearInterval(looking);
    };
  }

  #leaveGathered(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.recordAll(gathered.map(({ act }) => act)).then(
      (outcomes) => {
        for (const [i, { answer }] of gathered.entries()) {
          const outcome = outcomes[i];
          if (outcome === undefined) answer.reject(new RangeError('an act without an outcome'));
          else if (outcome.result !== 'failed') answer.resolve(outcome);
          else answer.reject(new SetupError(`The process that writes the log could not record it: ${outcome.reason}.`));
        }
      },
      (error: unknown) => {
        for (const { answer } of gathered) answer.reject(error);
      },
    );
  }

  #look(): void {
    if (this.#waiting.size > 0) void this.#collector.run();
  }

  async #collect(): Promise<void> {
    const asked = [...this.#waiting.keys()];
    const answers = await this.#requests.collect(asked).catch(() => []); // looked at again, until nobody waits
    for (const { id, outcomes } of answers) {
      this.#stopWaiting(id)?.resolve(outcomes);
    }
  }

  /** Whoever has waited too long is told so, unless the answer is there by now. */
  async #giveUp(): Promise<void> {
    this.#look();
    await this.#collector.idle();
    const late = performance.now() - this.#limits.patienceMs;
    const given = [...this.#waiting].filter(([, { since }]) => since <= late);
    await Promise.all(
      given.map(async ([id]) => {
        await this.#requests.withdraw(id).catch(() => {});
        this.#stopWaiting(id)?.reject(new Refusal('storage-unavailable', 'nobody wrote the log in time'));
      }),
    );
  }

  /** Listens no longer than anything is waited for. @returns `undefined` when it is not waited for any more */
  #stopWaiting(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#rest();
    return waiting;
  }

  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}

/** A request that could not be recorded by now is tried again. */
const AGAIN_MS = 250;
const SWEEP_MS = 60_000;

/**
 * Takes up what others leave, until the returned function is called and what is under way is answered.
 * @param failed told what went wrong, each time
 */
export function answerRequests(
  requests: RequestStore,
  register: Register,
  failed: (error: unknown) => void,
): () => Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  let answers: Answer[] = [];
  let answering: Promise<void> | undefined;
  let isStopping = false;

  async function take(): Promise<void> {
    if (isStopping) return;
    for (const request of await requests.waiting([...underWay.keys()])) {
      if (!underWay.has(request.id)) underWay.set(request.id, answer(request));
    }
  }

  /** Recorded before it is answered: after a crash in between, every act finds itself done. */
  async function answer({ id, acts }: Request): Promise<void> {
    try {
      const outcomes = await Promise.all(acts.map((act) => record(register, act)));
      answers.push({ id, outcomes }); // to those that are sent next: others may have been sent while it was recorded
      answering ??= sendAnswers();
      await answering;
      underWay.delete(id);
    } catch (error) {
      failed(error);
      if (isStopping) underWay.delete(id);
      else setTimeout(() => underWay.delete(id), AGAIN_MS);
    }
  }

  /** What is recorded by one commit is answered by one. */
  async function sendAnswers(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const sent = answers;
    answers = [];
    answering = undefined;
    await requests.answer(sent);
  }

  const taker = new OneAtATime(() => take().catch(failed));
  const stopListening = requests.onAsked(() => void taker.run());
  const sweeping = setInterval(() => {
    requests.sweep().catch(failed);
  }, SWEEP_MS);
  void taker.run();
  return async () => {
    stopListening();
    clearInterval(sweeping);
    isStopping = true;
    await taker.idle();
    await Promise.all(underWay.values());
  };
}

/** What passes by itself is tried again; what does not is an answer, or it would come back for ever. */
async function record(register: Register, act: PetitionAct): Promise<PetitionOutcome> {
  try {
    return await register.record(act);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return { result: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
