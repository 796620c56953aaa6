/** Long work, shown: a line that rewrites itself on a terminal, plain lines elsewhere. Written to stderr, beside results. */
export function progressLine(what: string): { at(done: number, total: number): void; end(): void } {
  const { stderr } = process;
  let shown = Number.NEGATIVE_INFINITY;
  let last = '';
  return {
    at(done, total) {
      const now = performance.now();
      if (now - shown < (stderr.isTTY ? 100 : 5000) && done < total) return;
      shown = now;
      const line = `${what}: ${done.toLocaleString('en-GB')} of ${total.toLocaleString('en-GB')}`;
      if (line === last) return;
      last = line;
      stderr.write(stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
    },
    end() {
      if (stderr.isTTY && last !== '') stderr.write('\r\u001b[K');
    },
  };
}
