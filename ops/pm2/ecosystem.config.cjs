// pm2 start ops/pm2/ecosystem.config.cjs --only miaoai-validator   (or --only miaoai-miner)
// Checked: read by Node, and its exit codes against those of the daemons. pm2 itself was not run.
//
// Never in cluster mode and never two instances: a hotkey belongs to one process. Settings come from .env.validator and
// .env.miner beside package.json. pm2 keeps logs in ~/.pm2/logs; `ops/logrotate/miaoai` rotates them.
const { join } = require('node:path');

const root = join(__dirname, '..', '..');

const daemon = (name, program) => ({
  name,
  cwd: root,
  script: join(root, 'dist', program),
  // The Node that the project brings; leave it out where that of the system is 22.19 or newer.
  interpreter: join(root, 'node_modules', 'node', 'bin', 'node'),
  exec_mode: 'fork',
  instances: 1,
  // The daemon says `ready` when settings, hotkey and store are fine.
  wait_ready: true,
  listen_timeout: 120_000,
  // 30 s of grace, 10 s for releasing, and a minute for a miner with --withdraw-axon-on-stop.
  kill_timeout: 100_000,
  // src/exitCodes.ts: 0 drained; 2 settings, 3 hotkey, 4 password stay wrong until somebody changes them.
  stop_exit_codes: [0, 2, 3, 4],
  max_restarts: 20,
  min_uptime: 60_000,
  exp_backoff_restart_delay: 1_000,
  merge_logs: true,
  env: { MIAOAI_LOG_FORMAT: 'json' },
});

module.exports = {
  apps: [daemon('miaoai-validator', 'validator.js'), daemon('miaoai-miner', 'miner.js')],
};
