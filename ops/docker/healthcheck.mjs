// HEALTHCHECK of the image: whether the event loop of the daemon turns.
const port = process.env.MIAOAI_DASHBOARD_PORT ?? '8686';
const isWell = await fetch(`http://127.0.0.1:${port}/livez`).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(isWell ? 0 : 1);
