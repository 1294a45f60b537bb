import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encode } from "gpt-tokenizer/o200k_base";
import { createTextTokens } from "../../shared/llm/text_tokens.ts";
import { estimateTokens } from "./text_estimate.ts";

/** The estimate may be off by a quarter either way: whoever hangs up pays about what was received. */
const LEAST = 0.8;
const MOST = 1.25;

/** Units of an alphabet at random, the same in each run. */
function random(alphabet: string | readonly string[], length = 1500): string {
  const units = fc.array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length });
  return fc.sample(units, { numRuns: 1, seed: 1 })[0]!.join("");
}

function codePoints(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));
}

const ASCII_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/** Not what the weights were fitted to, but for what is repeated or made at random. */
const TEXTS: Readonly<Record<string, string>> = {
  English:
    "My neighbour keeps three hens in the garden behind the bakery. Every Friday she leaves a box " +
    "of eggs on our doorstep, and in return we look after her cat when she travels.",
  "one English word repeated": "context ".repeat(100),
  German:
    "Unsere Nachbarin hält drei Hühner im Garten hinter der Bäckerei. Jeden Freitag stellt sie uns " +
    "eine Schachtel Eier vor die Tür, und dafür füttern wir ihre Katze, wenn sie verreist.",
  "German compounds":
    "Haustürschlüsselanhänger Verkehrsinfrastrukturfinanzierungsgesellschaft Sonnenblumenkernbrötchen " +
    "Feuerwehrgerätehauserweiterung Geschwindigkeitsbegrenzungsaufhebung Wasserversorgungsverband " +
    "Krankenversicherungsbeitragserstattung Berufsunfähigkeitszusatzversicherung Apfelbaumschnittkurs",
  French:
    "Notre voisine élève trois poules dans le jardin derrière la boulangerie. Chaque vendredi, elle " +
    "dépose une boîte d'œufs devant notre porte, et nous gardons son chat quand elle voyage.",
  Spanish:
    "Nuestra vecina tiene tres gallinas en el jardín detrás de la panadería. Cada viernes deja una " +
    "caja de huevos en la puerta, y nosotros cuidamos a su gato cuando sale de viaje.",
  Finnish:
    "Naapurimme pitää kolmea kanaa leipomon takana olevassa puutarhassa. Joka perjantai hän jättää " +
    "munarasian ovemme eteen, ja vastineeksi hoidamme hänen kissaansa matkojen aikana.",
  Polish:
    "Nasza sąsiadka trzyma trzy kury w ogrodzie za piekarnią. W każdy piątek zostawia nam pod " +
    "drzwiami pudełko jajek, a my w zamian opiekujemy się jej kotem, kiedy wyjeżdża.",
  Turkish:
    "Komşumuz fırının arkasındaki bahçede üç tavuk besliyor. Her cuma kapımızın önüne bir kutu " +
    "yumurta bırakıyor, biz de o seyahate çıktığında kedisine bakıyoruz.",
  Vietnamese:
    "Bà hàng xóm của chúng tôi nuôi ba con gà trong khu vườn sau tiệm bánh. Thứ sáu nào bà cũng để " +
    "một hộp trứng trước cửa, và chúng tôi trông mèo giúp khi bà đi xa.",
  Russian:
    "Наша соседка держит трёх кур в саду за пекарней. Каждую пятницу она оставляет у нашей двери " +
    "коробку яиц, а мы присматриваем за её кошкой, когда она уезжает.",
  Ukrainian:
    "Наша сусідка тримає трьох курей у садку за пекарнею. Щоп'ятниці вона залишає біля наших дверей " +
    "коробку яєць, а ми доглядаємо її кішку, коли вона їде.",
  Greek:
    "Η γειτόνισσά μας έχει τρεις κότες στον κήπο πίσω από τον φούρνο. Κάθε Παρασκευή αφήνει ένα κουτί " +
    "αυγά στην πόρτα μας, και εμείς φροντίζουμε τη γάτα της όταν ταξιδεύει.",
  Hebrew:
    "השכנה שלנו מגדלת שלוש תרנגולות בגינה מאחורי המאפייה. בכל יום שישי היא משאירה קופסת ביצים ליד " +
    "הדלת, ואנחנו שומרים על החתול שלה כשהיא נוסעת.",
  Arabic: "تربي جارتنا ثلاث دجاجات في الحديقة خلف المخبز. كل يوم جمعة تترك علبة بيض أمام بابنا، " +
    "ونحن نعتني بقطتها عندما تسافر.",
  Hindi: "हमारी पड़ोसन बेकरी के पीछे वाले बगीचे में तीन मुर्गियाँ पालती है। हर शुक्रवार वह हमारे दरवाज़े पर " +
    "अंडों का एक डिब्बा छोड़ जाती है, और हम उसकी बिल्ली की देखभाल करते हैं।",
  Thai: "เพื่อนบ้านของเราเลี้ยงไก่สามตัวในสวนหลังร้านขนมปัง ทุกวันศุกร์เธอวางกล่องไข่ไว้หน้าประตู " +
    "และเราช่วยดูแลแมวของเธอเวลาเธอเดินทาง",
  Korean:
    "우리 이웃은 빵집 뒤 마당에서 닭 세 마리를 키웁니다. 금요일마다 문 앞에 달걀 한 상자를 놓아 두고, " +
    "여행을 갈 때는 우리가 고양이를 돌봐 줍니다.",
  Japanese:
    "隣の人はパン屋の裏の庭で鶏を三羽飼っています。毎週金曜日に玄関の前に卵を一箱置いてくれるので、" +
    "旅行のときは私たちが猫の世話をします。",
  Chinese: "我们的邻居在面包店后面的院子里养了三只母鸡。每个星期五她都会在门口放一盒鸡蛋," +
    "她出门旅行的时候,我们就帮她照顾那只猫。",
  Amharic: "ጎረቤታችን ከዳቦ ቤቱ ጀርባ ባለው ግቢ ሦስት ዶሮዎች ታረባለች። በየሳምንቱ ዓርብ አንድ ሣጥን እንቁላል በራችን ላይ ታስቀምጣለች።",
  Vai: random(codePoints(0xa500, 0xa610)),
  Lisu: random(codePoints(0xa4d0, 0xa4f7)),
  cuneiform: random(codePoints(0x12000, 0x12300)),
  hieroglyphs: random(codePoints(0x13000, 0x13400)),
  "random ASCII signs": random(ASCII_SIGNS),
  emoji: random([..."🍰🎈🐢🌻🚲🎹🧦🥑🦋📎🔧🎯🍉🏔🚢😅🙈🤝💤🧭"]),
  "English with emoji": "Happy birthday 🎂 see you at the lake 🏖 bring a towel 😄 ".repeat(5),
  "line breaks": "\n".repeat(200),
  "short runs of line breaks": "First the eggs.\n\n\n\nThen the bread\n\n\n".repeat(30),
  LaTeX: "\\begin{align}\n  \\hat{\\beta} &= (X^\\top X)^{-1} X^\\top y, \\\\\n  \\sigma^2 &= " +
    "\\frac{1}{n-p} \\sum_{j=1}^{n} \\left( y_j - \\hat{y}_j \\right)^2.\n\\end{align}\nFor all " +
    "$k \\geq 1$ we have $\\lim_{k \\to \\infty} \\|A^k\\|^{1/k} = \\rho(A)$ and $\\mu \\ll \\nu$.\n",
  "a markdown table":
    "| Month | Sales | Share |\n|-------|------:|------:|\n| March | 1,204 | 12.5% |\n" +
    "| April | 980 | 9.1% |\n| May | 2,310 | 22.4% |\n| June | 775 | 7.0% |\n",
  JSON: JSON.stringify({
    order: { id: 90412, state: "paid", total: "18.40" },
    lines: [{ sku: "EGG-12", count: 2, gift: false }, { sku: "BREAD", count: 1, gift: true }],
    note: null,
  }),
  TypeScript:
    "export function sum(lines: readonly Line[]): number {\n  let total = 0;\n  for (const { price, " +
    "count } of lines) {\n    total += price * count;\n  }\n  return total;\n}\n",
  hex: random("0123456789abcdef"),
  base64: random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
  digits: random("0123456789"),
  "random lower-case letters": random("abcdefghijklmnopqrstuvwxyz"),
};

for (const [name, text] of Object.entries(TEXTS)) {
  Deno.test(`the estimate of ${name} is between 0.8 and 1.25 of o200k`, () => {
    const ratio = estimateTokens(text) / encode(text).length;
    assert(ratio >= LEAST && ratio <= MOST, `${ratio.toFixed(2)}`);
  });
}

Deno.test("the estimate of each kind of text is the same in pieces of any size", () => {
  const pieceLengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });
  for (const text of Object.values(TEXTS)) {
    fc.assert(
      fc.property(pieceLengths, (lengths) => {
        const tokens = createTextTokens();
        for (let at = 0, piece = 0; at < text.length; piece++) {
          const length = lengths[piece % lengths.length]!;
          tokens.add(text.slice(at, at + length));
          at += length;
        }
        assertEquals(tokens.estimate(), estimateTokens(text));
      }),
      { numRuns: 10 },
    );
  }
});
