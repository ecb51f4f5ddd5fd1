/** Flags that `gameday` has, too. */
import { Option } from 'commander';
import { secondsFrom } from './flags.ts';

export function intervalOption(): Option {
  return new Option('--interval <seconds>', 'between two looks').argParser(secondsFrom(0.2, 3600)).default(1);
}
