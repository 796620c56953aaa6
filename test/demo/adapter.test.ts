import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ExpiringMap, memoryAdapter } from '../../src/demo/franceconnect/adapter.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('what expires', () => {
  test('is gone on the second, and swept by later writes', () => {
    const map = new ExpiringMap<string>();
    map.set('short', 'a', 30);
    map.set('long', 'b', 60);
    vi.advanceTimersByTime(29_999);
    expect(map.get('short')).toBe('a');
    vi.advanceTimersByTime(1);
    expect(map.get('short')).toBeUndefined();
    vi.advanceTimersByTime(3000);
    map.set('other', 'c', 60);
    expect(map.size).toBe(2);
    expect(map.get('long')).toBe('b');
  });

  test('lives on when it is written again', () => {
    const map = new ExpiringMap<number>();
    for (let second = 0; second < 100; second++) {
      map.set('session', second, 30);
      vi.advanceTimersByTime(1000);
    }
    expect(map.get('session')).toBe(99);
    expect(map.size).toBe(1);
  });

  test('is the oldest when there is no more room', () => {
    const map = new ExpiringMap<number>(3);
    for (const n of [1, 2, 3, 4]) map.set(String(n), n, 60);
    expect(map.size).toBe(3);
    expect(map.get('1')).toBeUndefined();
    expect(map.get('4')).toBe(4);
  });

  test('does not pile up over a day of journeys', () => {
    const map = new ExpiringMap<number>();
    for (let n = 0; n < 20_000; n++) {
      map.set(String(n), n, 30);
      vi.advanceTimersByTime(100);
    }
    expect(map.size).toBeLessThan(350);
  });
});

describe('the memory of the engine', () => {
  test('keeps kinds apart and finds a session by its uid', async () => {
    const adapter = memoryAdapter();
    const session = adapter('Session');
    await session.upsert('id', { kind: 'Session', uid: 'uid' }, 60);
    expect(await adapter('Interaction').find('id')).toBeUndefined();
    expect(await adapter('Session').findByUid('uid')).toEqual({ kind: 'Session', uid: 'uid' });
    await session.destroy('id');
    expect(await session.findByUid('uid')).toBeUndefined();
  });

  test('revokes all that hangs on a grant', async () => {
    const tokens = memoryAdapter()('AccessToken');
    await tokens.upsert('a', { kind: 'AccessToken', grantId: 'g' }, 60);
    await tokens.upsert('b', { kind: 'AccessToken', grantId: 'g' }, 60);
    await tokens.upsert('c', { kind: 'AccessToken', grantId: 'other' }, 60);
    await tokens.revokeByGrantId('g');
    expect(await tokens.find('a')).toBeUndefined();
    expect(await tokens.find('b')).toBeUndefined();
    expect(await tokens.find('c')).toBeDefined();
  });

  test('marks what has been used', async () => {
    const codes = memoryAdapter()('AuthorizationCode');
    await codes.upsert('code', { kind: 'AuthorizationCode' }, 30);
    await codes.consume('code');
    expect(await codes.find('code')).toMatchObject({ consumed: expect.any(Number) });
  });
});
