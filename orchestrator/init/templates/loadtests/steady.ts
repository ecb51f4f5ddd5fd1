/** Users that each write keys of their own, and read them at another node than the one that acknowledged them. */
import { readLoadInput } from '../../../../loadtests/lib/environment.ts';
import { loadOptions } from '../../../../loadtests/lib/options.ts';
import { RegisterUser } from '../../../../loadtests/lib/register.ts';
import { client } from './client.ts';

const input = readLoadInput(__ENV);
export const options = loadOptions(input);

// k6 runs this module once for each virtual user, and for setup().
const user = new RegisterUser(input, __VU, client);

export function setup(): void {
  user.begin();
}

export default function operation(): void {
  user.operate();
}
