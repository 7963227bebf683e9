/**
 * A film's greys out of a file, as `spondyl.data.pixels` reads them: 8-bit values over 255, gamma
 * and colour profiles not applied, turned upright as EXIF says.
 *
 * The browser decodes. What it would change in silence is refused by the file's first bytes, and
 * whether it decodes exactly is tried once on a picture whose greys are known: browsers that blur
 * what pages read of pictures, or apply a gamma, are found out by that.
 */

const [SMALLEST_SIDE, LARGEST_PIXELS] = [8, 200_000_000];
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];
/** Red, green, blue (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114];

/** A picture that is not read, said to a person. */
export class Refused extends Error {}

/**
 * @typedef {object} Film
 * @property {number} height @property {number} width
 * @property {Float32Array} grey Row by row in [0, 1], bright = dense.
 * @property {Float32Array | null} rgb Plane by plane; null where there is no colour.
 */

/** @param {Blob} file @returns {Promise<Film>} */
export async function filmOf(file) {
  refuseUnexact(new Uint8Array(await file.arrayBuffer()));
  const { data, width, height } = await decoded(file);
  const film = planes(data, width, height);
  if (film.grey.every((value) => value === film.grey[0])) {
    throw new Refused("every pixel has the same value, so there is no film in it");
  }
  return film;
}

/** Throws unless this browser decodes the ramp of all greys exactly. @param {Blob} ramp */
export async function proveExact(ramp) {
  const { data } = await decoded(ramp);
  for (let grey = 0; grey < 256; grey += 1) {
    if (data[4 * grey] !== grey || data[4 * grey + 2] !== grey) {
      throw new Refused(
        `this browser does not give the greys of a picture as they are (${data[4 * grey]} for ` +
          `${grey}); if it protects you from being recognised by pictures, allow this page to ` +
          "read them, or use another browser",
      );
    }
  }
}

/**
 * Throws for a file whose pixels a browser would change in silence. @param {Uint8Array} bytes
 */
export function refuseUnexact(bytes) {
  if (begins(bytes, PNG)) refusePng(bytes);
  else if (begins(bytes, JPEG)) refuseJpeg(bytes);
  else throw new Refused("is neither JPEG nor PNG; `spondyl read` takes DICOM and TIFF too");
}

/** @param {Uint8Array} bytes */
function refusePng(bytes) {
  if (bytes[24] === 16) {
    throw new Refused(
      "has 16 bits a pixel, which browsers cut to 8: use `spondyl read`, which keeps them all",
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = PNG.length; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") return;
    if (kind === "acTL") throw new Refused("holds several pictures; one film a file is needed");
    if (kind === "eXIf") {
      throw new Refused(
        "is a PNG with EXIF, by which some browsers turn a film and others do not: save it without",
      );
    }
  }
}

/** @param {Uint8Array} bytes */
function refuseJpeg(bytes) {
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1; // a fill byte
    } else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (bytes[at + 9] === 4) {
        throw new Refused("is in printing colours (CMYK), which each browser mixes its own way");
      }
      return;
    } else {
      at += 2 + bytes[at + 2] * 256 + bytes[at + 3];
    }
  }
}

/** @param {Blob} file @returns {Promise<ImageData>} */
async function decoded(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      imageOrientation: "from-image",
    });
  } catch {
    throw new Refused("this browser cannot decode it: it is damaged, cut short or of a rare kind");
  }
  const { width, height } = picture;
  if (Math.min(width, height) < SMALLEST_SIDE) {
    throw new Refused(`${height} × ${width} pixels is too small for a film`);
  }
  const noRoom = new Refused(`${height} × ${width} pixels is more than this browser can hold`);
  if (width * height > LARGEST_PIXELS) throw noRoom;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw noRoom;
  pen.drawImage(picture, 0, 0);
  picture.close();
  try {
    return pen.getImageData(0, 0, width, height);
  } catch {
    throw noRoom;
  }
}

/** @param {Uint8ClampedArray} data @param {number} width @param {number} height @returns {Film} */
function planes(data, width, height) {
  const n = width * height;
  const grey = new Float32Array(n);
  const rgb = new Float32Array(3 * n);
  let hasColour = false;
  for (let place = 0; place < n; place += 1) {
    const at = 4 * place;
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    if (data[at + 3] !== 255) {
      throw new Refused(
        "has transparent parts, or is larger than this browser can hold: save it without alpha",
      );
    }
    hasColour ||= red !== green || green !== blue;
    grey[place] = red / 255;
    [rgb[place], rgb[n + place], rgb[2 * n + place]] = [red / 255, green / 255, blue / 255];
  }
  if (!hasColour) return { height, width, grey, rgb: null };
  for (let place = 0; place < n; place += 1) {
    const mixed = LUMA[0] * rgb[place] + LUMA[1] * rgb[n + place] + LUMA[2] * rgb[2 * n + place];
    grey[place] = Math.min(mixed, 1);
  }
  return { height, width, grey, rgb };
}

/** @param {Uint8Array} bytes @param {number[]} magic */
function begins(bytes, magic) {
  return magic.every((byte, place) => bytes[place] === byte);
}
