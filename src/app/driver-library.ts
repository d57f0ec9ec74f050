import { chooseDriver, describeDriver } from '../postgres/connection';

/** Path of the library where it is known, else the registered name; throws where no driver is installed. */
export function driverLibrary(configured: string | undefined): string {
  const name = chooseDriver(configured);
  return describeDriver(name).library ?? name;
}
