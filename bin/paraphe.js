#!/usr/bin/env node
// Plain JavaScript on purpose: it must be readable by the Node versions that it refuses.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Paraphe needs Node 24 (22.18 at the least); this is Node ${process.versions.node}. Run it through npm (\`npm start\`, \`npm run -s paraphe -- …\`), which uses the Node 24 of node_modules.`,
  );
  process.exit(1);
}
await import('../src/main.ts');
