//! The restaurants, cuisines and delivery addresses of the seed. Prices are in won.

use crate::client::Place;

/// A cuisine. Every restaurant of a cuisine has all of its dishes on the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cuisine {
    /// Fried chicken.
    Chicken,
    /// Street food.
    Snacks,
    /// Rice and stews.
    Korean,
    /// Korean-Chinese food.
    Chinese,
    /// Pizza.
    Pizza,
}

/// A restaurant.
#[derive(Debug, Clone, Copy)]
pub struct Restaurant {
    /// Its name.
    pub name: &'static str,
    /// Its cuisine.
    pub cuisine: Cuisine,
    /// Its postal address.
    pub address: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// How far it delivers.
    pub radius_m: u32,
    /// Its prices, in percent of the usual ones.
    pub price_percent: u32,
}

/// An address that food is delivered to.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryAddress {
    /// The postal address.
    pub address: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// The delivery addresses of the auctions.
pub const DELIVERY_ADDRESSES: [DeliveryAddress; 6] = [
    delivery_address("서울특별시 중구 을지로 30", 37.5658, 126.9827),
    delivery_address("서울특별시 용산구 한강대로 100", 37.5300, 126.9700),
    delivery_address("서울특별시 중구 다산로 122", 37.5540, 127.0100),
    delivery_address("서울특별시 용산구 녹사평대로 195", 37.5370, 126.9880),
    delivery_address("서울특별시 성동구 왕십리로 50", 37.5480, 127.0380),
    delivery_address("서울특별시 마포구 마포대로 45", 37.5420, 126.9490),
];

/// The restaurants.
#[rustfmt::skip]
pub const RESTAURANTS: [Restaurant; 40] = [
    restaurant("역삼옛날통닭", Cuisine::Chicken, "서울특별시 강남구 역삼동", 37.4992, 127.0336, 13_500, 92),
    restaurant("홍대바삭치킨", Cuisine::Chicken, "서울특별시 마포구 서교동", 37.5579, 126.9187, 11_000, 102),
    restaurant("종로닭한마리", Cuisine::Chicken, "서울특별시 종로구 관철동", 37.5668, 126.9833, 12_500, 92),
    restaurant("이태원화덕치킨", Cuisine::Chicken, "서울특별시 용산구 이태원동", 37.5324, 126.9945, 11_000, 110),
    restaurant("잠실루프치킨", Cuisine::Chicken, "서울특별시 송파구 잠실동", 37.5118, 127.0892, 13_500, 102),
    restaurant("성수간장치킨", Cuisine::Chicken, "서울특별시 성동구 성수동", 37.5453, 127.0523, 14_250, 92),
    restaurant("여의도강바람치킨", Cuisine::Chicken, "서울특별시 영등포구 여의도동", 37.5224, 126.9216, 12_500, 95),
    restaurant("신촌두마리치킨", Cuisine::Chicken, "서울특별시 서대문구 창천동", 37.5586, 126.9375, 13_000, 110),
    restaurant("강남떡볶이연구소", Cuisine::Snacks, "서울특별시 강남구 역삼동", 37.5021, 127.0332, 14_250, 98),
    restaurant("서교김밥", Cuisine::Snacks, "서울특별시 마포구 서교동", 37.5521, 126.9236, 11_000, 102),
    restaurant("청계천순대", Cuisine::Snacks, "서울특별시 종로구 관철동", 37.5667, 126.9880, 12_500, 110),
    restaurant("경리단분식", Cuisine::Snacks, "서울특별시 용산구 이태원동", 37.5330, 126.9948, 12_750, 98),
    restaurant("석촌튀김", Cuisine::Snacks, "서울특별시 송파구 잠실동", 37.5097, 127.0880, 14_250, 92),
    restaurant("뚝섬떡볶이", Cuisine::Snacks, "서울특별시 성동구 성수동", 37.5452, 127.0561, 14_750, 105),
    restaurant("샛강김밥", Cuisine::Snacks, "서울특별시 영등포구 여의도동", 37.5215, 126.9254, 11_250, 92),
    restaurant("건대꼬마김밥", Cuisine::Snacks, "서울특별시 광진구 화양동", 37.5424, 127.0669, 14_750, 95),
    restaurant("테헤란백반", Cuisine::Korean, "서울특별시 강남구 역삼동", 37.5041, 127.0358, 13_750, 110),
    restaurant("연남제육", Cuisine::Korean, "서울특별시 마포구 서교동", 37.5558, 126.9242, 12_250, 98),
    restaurant("인사동비빔밥", Cuisine::Korean, "서울특별시 종로구 관철동", 37.5707, 126.9874, 12_750, 92),
    restaurant("한남된장", Cuisine::Korean, "서울특별시 용산구 이태원동", 37.5372, 126.9977, 12_750, 105),
    restaurant("송리단길김치찌개", Cuisine::Korean, "서울특별시 송파구 잠실동", 37.5126, 127.0821, 14_500, 105),
    restaurant("서울숲밥상", Cuisine::Korean, "서울특별시 성동구 성수동", 37.5452, 127.0573, 15_250, 98),
    restaurant("이화골목식당", Cuisine::Korean, "서울특별시 서대문구 창천동", 37.5600, 126.9400, 12_250, 92),
    restaurant("샤로수길집밥", Cuisine::Korean, "서울특별시 관악구 봉천동", 37.4862, 126.9403, 13_750, 100),
    restaurant("선릉반점", Cuisine::Chinese, "서울특별시 강남구 역삼동", 37.4971, 127.0385, 14_000, 105),
    restaurant("동교루", Cuisine::Chinese, "서울특별시 마포구 서교동", 37.5533, 126.9210, 12_750, 92),
    restaurant("종각춘장", Cuisine::Chinese, "서울특별시 종로구 관철동", 37.5664, 126.9858, 12_000, 95),
    restaurant("용산짬뽕", Cuisine::Chinese, "서울특별시 용산구 이태원동", 37.5371, 126.9970, 12_000, 105),
    restaurant("성수반점", Cuisine::Chinese, "서울특별시 성동구 성수동", 37.5439, 127.0548, 15_000, 95),
    restaurant("국회앞중화", Cuisine::Chinese, "서울특별시 영등포구 여의도동", 37.5191, 126.9219, 11_750, 105),
    restaurant("화양각", Cuisine::Chinese, "서울특별시 광진구 화양동", 37.5402, 127.0695, 14_000, 98),
    restaurant("봉천반점", Cuisine::Chinese, "서울특별시 관악구 봉천동", 37.4810, 126.9387, 15_500, 98),
    restaurant("언주로화덕", Cuisine::Pizza, "서울특별시 강남구 역삼동", 37.5015, 127.0349, 14_000, 105),
    restaurant("상수피자집", Cuisine::Pizza, "서울특별시 마포구 서교동", 37.5582, 126.9255, 11_000, 100),
    restaurant("광화문도우", Cuisine::Pizza, "서울특별시 종로구 관철동", 37.5723, 126.9888, 13_000, 100),
    restaurant("해방촌피자", Cuisine::Pizza, "서울특별시 용산구 이태원동", 37.5337, 126.9933, 12_750, 105),
    restaurant("잠실나루피자", Cuisine::Pizza, "서울특별시 송파구 잠실동", 37.5105, 127.0831, 14_250, 100),
    restaurant("윤중로화덕", Cuisine::Pizza, "서울특별시 영등포구 여의도동", 37.5192, 126.9232, 11_000, 92),
    restaurant("구의피자", Cuisine::Pizza, "서울특별시 광진구 화양동", 37.5383, 127.0668, 13_750, 98),
    restaurant("서울대입구피자", Cuisine::Pizza, "서울특별시 관악구 봉천동", 37.4836, 126.9381, 14_250, 102),
];

const fn delivery_address(address: &'static str, latitude: f64, longitude: f64) -> DeliveryAddress {
    DeliveryAddress {
        address,
        latitude,
        longitude,
    }
}

const fn restaurant(
    name: &'static str,
    cuisine: Cuisine,
    address: &'static str,
    latitude: f64,
    longitude: f64,
    radius_m: u32,
    price_percent: u32,
) -> Restaurant {
    Restaurant {
        name,
        cuisine,
        address,
        latitude,
        longitude,
        radius_m,
        price_percent,
    }
}

// === impl Cuisine ===

impl Cuisine {
    /// Every cuisine.
    pub const ALL: [Self; 5] = [
        Self::Chicken,
        Self::Snacks,
        Self::Korean,
        Self::Chinese,
        Self::Pizza,
    ];

    /// Its dishes and their usual prices.
    pub const fn dishes(self) -> &'static [(&'static str, i64)] {
        match self {
            Self::Chicken => &[
                ("후라이드치킨", 19_000),
                ("양념치킨", 20_000),
                ("간장치킨", 20_500),
                ("치즈볼", 6_000),
            ],
            Self::Snacks => &[
                ("떡볶이", 5_500),
                ("참치김밥", 4_500),
                ("순대", 5_000),
                ("모둠튀김", 6_500),
                ("라볶이", 7_000),
            ],
            Self::Korean => &[
                ("김치찌개", 9_500),
                ("제육볶음", 11_000),
                ("돌솥비빔밥", 10_500),
                ("된장찌개", 9_000),
            ],
            Self::Chinese => &[
                ("짜장면", 7_500),
                ("해물짬뽕", 9_500),
                ("탕수육", 22_000),
                ("군만두", 6_500),
            ],
            Self::Pizza => &[
                ("마르게리타", 18_500),
                ("고구마피자", 22_500),
                ("불고기피자", 23_500),
                ("콤비네이션피자", 21_000),
            ],
        }
    }
}

// === impl Restaurant ===

impl Restaurant {
    /// Its position as the API writes it.
    pub fn place(&self) -> Place {
        Place {
            latitude: self.latitude,
            longitude: self.longitude,
            address: self.address.to_owned(),
        }
    }
}

// === impl DeliveryAddress ===

impl DeliveryAddress {
    /// The address as the API writes it.
    pub fn place(&self) -> Place {
        Place {
            latitude: self.latitude,
            longitude: self.longitude,
            address: self.address.to_owned(),
        }
    }
}

/// The great-circle distance between two positions (latitude, longitude) in degrees, in metres.
pub fn distance_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    const EARTH_RADIUS_M: f64 = 6_371_008.8;
    let (from_latitude, to_latitude) = (from.0.to_radians(), to.0.to_radians());
    let half_latitude = (to_latitude - from_latitude) / 2.0;
    let half_longitude = (to.1 - from.1).to_radians() / 2.0;
    let haversine = half_latitude.sin().powi(2)
        + from_latitude.cos() * to_latitude.cos() * half_longitude.sin().powi(2);
    2.0 * EARTH_RADIUS_M * haversine.sqrt().min(1.0).asin()
}
