//! Images: where they come from, decoded and fitted to a size.
//!
//! Nothing here knows libtorch, views or batches. Start with [`Source`] and
//! [`ImageSet`]; for whole images of one size use [`images_at_size`], for the
//! centres that training needs [`Centres`].

mod centres;
mod damage;
mod decode;
mod fit;
mod image_set;
mod resample;
mod sized;
mod source;
mod synthetic;

pub use centres::{CENTRE_SIDE, Centres, SHORTER_SIDE};
pub use damage::{Damage, MostlyDamaged};
pub use decode::{DecodeError, MIN_SIDE, decode};
pub use fit::{CropBox, centre_crop, fit, shorter_side_to};
pub use image_set::{DataError, ImageSet};
pub use resample::resize_crop;
pub use sized::{SizedImage, SizedImages, for_each_batch, images_at_size};
pub use source::{Source, UnknownSource};
pub use synthetic::{SYNTHETIC_SIDE, Synthetic};
