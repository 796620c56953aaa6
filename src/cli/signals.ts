/** Resolves when the process is asked to stop. A second signal, of either kind, ends it at once. */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    resolve();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return promise;
}
