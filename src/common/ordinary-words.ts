/** The words that our own log lines, and PostgreSQL's messages in them, consist of. */
const WORDS = `
about activity add added addon address admin administrator after again against age all allow alone already alter
altered among and anew another answer answered any are array ask asked attempt attempts attribute authenticated
authentication authority away backend base bash batch batches before began begin begun between bit block blocks
boolean both build but bytes called can candidate cannot case cast catalog catalogue certificate change changed
changes check checkpoint choose chunk class clock code column columns command committed compare compared
comparing complete completed completion condition conditions configuration configured connect connecting
connection connections connector constraint contains content copy cores correct could count counts cpu create
current cursor custom customer customers data database date deadlock debian debug decides decimal declared
default degraded delete deleted demo denied described description destination did differ digits discovery disk
does double driver drop dropped duckdb each elapsed else encode encoding encrypted end ended ends entry
environment equal error estimated every everything exceeded exclude exist exists export exports extraction
failed fails failure false file filter filters first fit flag flags float folder follow for foreign form format
found free from full function get give goes gone grant granted group guest has have head help here hidden hold
holds host how identifier ignored incomplete incremental index indexed infinity info information insert install
installed int integer interrupted interval into items itself join json keep kept key keys known lacks large last
least leave left length level library limit line list live load loaded local localhost lock log login long
longer look looked looking lost lower machine made make many map master matches materialized max may mean meant
memory message meta metrics middle min minutes missing mode modifier module monitor more most must name named
names namespace native needs neither network never new newer next nobody node none northwind not nothing now
null number object odbc offset old oldest once one only open opened option options order orders other others out
output over own owner packed page parsed part partition partitioned password path pattern per permission
pgsluice place plan point pooler port postgres postgresql pressure previous primary print privilege privileges
process processing product products progress promoted public put python qualify queries queue raise range ranges
read readable reader readers reading reads ready rebuild reconcile records recovery refresh relation remove
renamed repeat replace replaced replica replicate replicated replication report reset resolved rest restored
result retries retry return returned rewritten role root row rows run running runs sales sample say schedule
schema script scripts second seconds secret security see select selection send sent server session set setting
settings several shell shop show shows since size skipped small snapshot snapshots some something source space
split ssl standard standby start started stat state statement statements statistics still store string
successfully such sum superuser sync synced syncs system table tables taken takes temp terminated test tester
text texts than that the their them then there these they this those threads threshold time timeout times
timestamp timezone tls too transaction transactions transformation transformations true try two type types
unchanged undefined under union unknown unreachable until update usage use used user username users using valid
value values verify version view views waited waiting warehouse warning warnings was watermark way well were
what when where which while whole will window with without words would write writer written wrote yes yet you
your zone`;

const LONGEST_WORD = 14;

/**
 * Whether a text of letters alone is such a word. Masking it would garble the lines, and would show by its absence what
 * it is.
 */
export function isOrdinary(text: string): boolean {
  return (
    text.length <= LONGEST_WORD && /^(?:[a-z]+|[A-Z][a-z]+|[A-Z]+)$/.test(text) && WORDS.includes(text.toLowerCase())
  );
}
