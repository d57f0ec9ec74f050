/** The ODBC driver as other programs name it: by its library. */
import { chooseDriver } from '../source/odbc-driver';
import { describeDriver } from '../source/odbc-setup';

/** Path of the library where it is known, else the registered name; throws where no driver is installed. */
export function driverLibrary(configured: string | undefined): string {
  const name = chooseDriver(configured);
  return describeDriver(name).library ?? name;
}
