/**
 * One process among those that serve a log. At most one of them writes it: every other follows what that one publishes and
 * hands its acts over to it. Which one that is may change at any time, and nobody who asks needs to know.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describeTrouble } from './diagnostics.ts';
import { Refusal, SetupError } from './errors.ts';
import { type Leader, type LeaderDependencies, startLeader } from './leader.ts';
import { Follower } from './log/follower.ts';
import type { Publication } from './log/publisher.ts';
import type { Sealed } from './log/standing.ts';
import { HandOver } from './petitions/hand-over.ts';
import type { Register } from './petitions/ports.ts';
import { isPostgres, type OpenLock, openLock, WriterBusy } from './storage/open.ts';
import { parseSignedCheckpoint } from './tlog/checkpoint.ts';
import { utf8 } from './tlog/text.ts';

/** `any`: writes when nobody else does. `writer`: the same, and serves nothing. `web`: never writes. */
export type Role = 'any' | 'writer' | 'web';

export type MemberDependencies = Omit<LeaderDependencies, 'stopped'> & { readonly role: Role };

/** How often a process looks whether the right to write is free; and after it took it in vain, for how long it does not. */
const LOOK_MS = 400;
const AGAIN_MS = 5000;
/** How long someone who reads waits to learn what is new. */
const REFRESH_MS = 500;

export class Member implements Register {
  readonly #deps: MemberDependencies;
  readonly #lock: OpenLock;
  readonly #handOver: HandOver;
  readonly #stops: (() => void)[] = [];
  #follower: Follower | undefined;
  #leader: Leader | undefined;
  #taking: Promise<void> | undefined;
  #steppingDown: Promise<void> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isClosing = false;
  /** Why this process cannot write, where no other may either. */
  #stopped: Error | undefined;
  readonly #reported = new Map<string, string>();
  #notBefore = 0;

  private constructor(deps: MemberDependencies, lock: OpenLock) {
    this.#deps = deps;
    this.#lock = lock;
    this.#handOver = new HandOver(deps.storage.requests);
  }

  /** @throws SetupError when this process is to write and cannot: the log is damaged, or on SQLite another one writes it */
  static async open(deps: MemberDependencies): Promise<Member> {
    const member = new Member(deps, await openLock(deps.config.storage));
    try {
      await member.#begin();
      return member;
    } catch (error) {
      await member.close();
      throw error;
    }
  }

  get isLeading(): boolean {
    return this.#leader !== undefined;
  }

  /** How many acts wait to be recorded, here or by the process that writes. */
  get queued(): number {
    return (this.#leader?.sequencer.queued ?? 0) + this.#handOver.queued;
  }

  get published(): Publication {
    const published = this.#leader?.publisher.current ?? this.#follower?.current;
    if (published === undefined) throw new RangeError('not opened');
    return published;
  }

  /** Why nothing is recorded, while that is so. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  /** Resolves when this process cannot write any more, and no other may before it ends. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** The last checkpoint that is signed. */
  async sealed(): Promise<Sealed> {
    if (this.#leader !== undefined) return this.#leader.sequencer.sealed;
    const checkpoint = await this.#lock.read();
    if (checkpoint === undefined) throw new Refusal('log-stopped', 'the lock is missing');
    return { ...parseSignedCheckpoint(utf8(checkpoint)).checkpoint, checkpoint };
  }

  /** Records, here or where the log is written; across a change of writers, asking again is what this does. */
  async record(act: Parameters<Register['record']>[0]): ReturnType<Register['record']> {
    const leader = this.#leader;
    if (leader === undefined) return this.#handOver.record(act);
    try {
      return await leader.sequencer.record(act);
    } catch (error) {
      const isElsewhere = leader.sequencer.stopped !== undefined && this.#mayBeElsewhere && !this.#isClosing;
      if (!isElsewhere) throw error;
      return this.#handOver.record(act);
    }
  }

  /**
   * Resolves when what is served here is no older than what any of these processes has served: each publication is in storage
   * before anyone serves it. For storage that does not answer, only a moment is waited.
   */
  async refresh(): Promise<void> {
    const leader = this.#leader;
    if (leader !== undefined) return leader.publisher.refresh();
    await Promise.race([this.#look(), wait(REFRESH_MS, undefined, { ref: false })]);
  }

  /** Publishes what is recorded by now, where this is the process that writes. */
  async publish(): Promise<void> {
    await this.#leader?.publisher.publish();
  }

  /** Finishes what is under way. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const stop of this.#stops) stop();
    await this.#taking;
    await this.#steppingDown;
    await this.#leader?.close();
    this.#handOver.close();
    await this.#lock.close();
  }

  /** On SQLite nobody else can write, so nobody else could do better: a writer that is stopped stays so. */
  get #mayBeElsewhere(): boolean {
    return isPostgres(this.#deps.config.storage);
  }

  async #begin(): Promise<void> {
    const { role, storage } = this.#deps;
    if (role !== 'web') {
      await this.#lead().catch((error: unknown) => {
        if (!(error instanceof WriterBusy && this.#mayBeElsewhere)) throw error;
      });
    }
    if (this.#leader === undefined) await this.#follow();
    this.#stops.push(storage.onPublished(() => void this.#look()));
    if (role === 'web' || !this.#mayBeElsewhere) return;
    const take = () => void this.#takeWhenFree();
    const timer = setInterval(take, LOOK_MS);
    this.#stops.push(() => clearInterval(timer), storage.onReleased(take));
  }

  /** What was published meanwhile, before anyone is answered from it. */
  async #follow(): Promise<void> {
    const { storage, logKey, clock } = this.#deps;
    this.#follower = await Follower.open({ store: storage.log, origin: logKey.origin, clock });
  }

  async #look(): Promise<void> {
    if (this.#leader !== undefined) return;
    await this.#follower?.look().catch((error: unknown) => this.#report(error, 'the published log cannot be followed'));
  }

  async #takeWhenFree(): Promise<void> {
    if (this.#leader !== undefined || this.#isClosing || performance.now() < this.#notBefore) return;
    this.#taking ??= this.#takeIfFree()
      .catch((error: unknown) => {
        if (error instanceof WriterBusy) return;
        this.#notBefore = performance.now() + AGAIN_MS;
        if (error instanceof SetupError) this.#stopped = error;
        this.#report(error, 'this process cannot write the log');
      })
      .finally(() => {
        this.#taking = undefined;
      });
    await this.#taking;
  }

  async #takeIfFree(): Promise<void> {
    if (await this.#deps.storage.isWriterGone()) await this.#lead();
    else this.#stopped = undefined; // another process could take what this one could not
  }

  async #lead(): Promise<void> {
    let begun: Leader | undefined;
    const leader = await startLeader({
      ...this.#deps,
      stopped: (error) => {
        if (begun !== undefined) this.#steppingDown = this.#stepDown(begun, error);
      },
    });
    if (leader.sequencer.stopped !== undefined) {
      await leader.close();
      throw leader.sequencer.stopped; // it has lost it again meanwhile
    }
    begun = leader;
    this.#leader = leader;
    this.#stopped = undefined;
    this.#reported.clear();
    this.#deps.diagnostics.info({ size: leader.sequencer.sealed.size }, 'this process writes the log');
  }

  /** What it published last is shown until it follows: what it followed before it wrote is older. */
  async #stepDown(leader: Leader, error: Error): Promise<void> {
    this.#deps.diagnostics.error({ reason: error.message }, 'this process writes the log no more');
    this.#stopped = error;
    if (!this.#mayBeElsewhere) return this.#over.resolve();
    while (!(await this.#follows())) {
      if (this.#isClosing) return;
      await wait(LOOK_MS);
    }
    this.#leader = undefined;
    this.#stopped = undefined;
    await leader.close().catch((failed: unknown) => this.#report(failed, 'what only a writer does was not ended well'));
  }

  async #follows(): Promise<boolean> {
    try {
      await this.#follow();
      return true;
    } catch (error) {
      this.#report(error, 'the published log cannot be followed');
      return false;
    }
  }

  /** Once, for as long as it stays the same. */
  #report(error: unknown, what: string): void {
    const told = error instanceof Error ? error.message : String(error);
    if (told !== this.#reported.get(what)) this.#deps.diagnostics.warn(describeTrouble(error), what);
    this.#reported.set(what, told);
  }
}
