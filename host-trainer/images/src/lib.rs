//! Images: where they come from, decoded and fitted to a size.
//!
//! Nothing here knows libtorch, views or batches. Start with [`Source`] and
//! [`ImageSet`]; for whole images of one size use [`images_at_size`], for the
//! centres that training needs [`Centres`].

mod archive;
mod centres;
mod classes;
mod damage;
mod decode;
mod fit;
mod image_set;
mod inventory;
mod jpeg;
mod limits;
mod listing;
mod load;
mod order;
mod pack;
mod packing;
mod passed;
mod photographs;
mod prepare;
mod resample;
mod scene;
mod shared_file;
mod sized;
mod source;
mod stamp;
mod synthetic;
mod turn;
mod walk;

pub use centres::{CENTRE_SIDE, Centres, SHORTER_SIDE};
pub use classes::{ClassError, Classes, class_of};
pub use damage::{Damage, MostlyDamaged};
pub use decode::{DecodeError, Encoded, MIN_SIDE};
pub use fit::{CentreFit, CropBox, centre_crop, fit, shorter_side_to};
pub use image_set::{DataError, ImageSet};
pub use inventory::{Content, Difference, Inventory, Part, SourceRecord};
pub use jpeg::TurboError;
pub use limits::{MOST_PIXELS, most_pixels, set_most_pixels};
pub use order::{Listing, by_numbers};
pub use pack::{Manifest, PackError, Shard, Skipped};
pub use prepare::{PrepareError, Prepared, prepare};
pub use resample::{Axis, Interpolation, Rows, resize, resize_crop, resize_transposed};
pub use scene::Scene;
pub use sized::{SizedImages, images_at_size};
pub use source::{Source, UnknownSource};
pub use stamp::Stamp;
pub use synthetic::{SYNTHETIC_SIDE, Synthetic};

pub use passed::PassedOver;
pub use walk::files as files_below;
