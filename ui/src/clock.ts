import { useEffect, useState } from 'preact/hooks';

import { daemonNow } from './live.ts';

/** The daemon's time, drawn again every second; for ages and countdowns. */
export const useNow = (everyMs = 1_000): number => {
  const [now, setNow] = useState(daemonNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(daemonNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
};
