/** Environment variable that carries the shared server's coordinates, as JSON. */
export const TEST_SERVER_VARIABLE = 'PGSLUICE_TEST_PG';
/** Environment variable that names the major version of the shared server; without it, the newest. */
export const TEST_VERSION_VARIABLE = 'PGSLUICE_TEST_PG_VERSION';
